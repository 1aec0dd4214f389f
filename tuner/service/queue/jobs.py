"""The jobs of the service: what was submitted, where it stands, and every change with its time, actor and reason."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Row

from tuner.errors import StudyError, UnknownStudy
from tuner.service.database import Database
from tuner.service.queue.job_record import Change, JobKind, JobRecord, NumberedChange, Process, Submission
from tuner.service.queue.lifecycle import OVER, JobState
from tuner.service.queue.recent_use import HALF_LIFE, Use, usage
from tuner.service.queue.slots import Slots
from tuner.service.service_tables import job_changes, jobs, leases, uses

REMEMBERED_SECONDS = 14 * HALF_LIFE
"""Age at which a use of slots no longer counts: less than a ten-thousandth is left of it."""

SERVICE = "tuner"
"""The actor of changes that nobody asked for. No user has this name."""

_log = logging.getLogger(__name__)


class Jobs:
    """The jobs in a database. Any thread may call it.

    Args:
        database: of the service.
        changed: called after each change that another part of the server may wait for.
    """

    def __init__(self, database: Database, changed: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self.changed = changed
        self.submitting = threading.RLock()
        """Held from the look for a job of the same study to its insertion: one server serves a database."""

    def submit(self, submission: Submission) -> JobRecord:
        """Queue a new job.

        Raises:
            StudyError: a search of that study is already known; resume or change it instead.
        """
        now = time.time()
        with self.submitting, self._database.begin() as connection:
            if submission.kind in (JobKind.RUN, JobKind.REMOTE) and self._search(connection, submission.study):
                raise StudyError(f"study {submission.study}: is submitted already; change or resume it")
            values: dict[str, Any] = {
                "kind": submission.kind.value,
                "study": submission.study,
                "owner": submission.owner,
                "state": JobState.QUEUED.value,
                "priority": submission.priority,
                "cpus": submission.slots.cpus,
                "gpus": submission.slots.gpus,
                "command": dict(submission.command),
                "folder": submission.folder,
                "submitted_at": now,
                "queued_at": now,
                "passed": [],
                "starts": 0,
                "reason": "",
            }
            number = connection.execute(jobs.insert().returning(jobs.c.id), values).scalar_one()
            _note(connection, number, JobState.QUEUED, submission.owner, "submitted")
            job = _job(connection.execute(sqlalchemy.select(jobs).where(jobs.c.id == number)).one())
        self.changed()
        return job

    def get(self, number: int, deleted: bool = False) -> JobRecord:
        """Return a job; a deleted one only if `deleted`.

        Raises:
            UnknownStudy: there is none of that number.
        """
        there = jobs.c.id == number
        return self._one(there if deleted else there & jobs.c.deleted_at.is_(None), f"there is no job {number}")

    def search_of(self, study: str) -> JobRecord | None:
        """Return the job that searches a study; None if the service did not begin it."""
        with self._database.begin() as connection:
            return self._search(connection, study)

    def all(
        self,
        *,
        study: str | None = None,
        kinds: Iterable[JobKind] | None = None,
        states: Iterable[JobState] | None = None,
    ) -> Sequence[JobRecord]:
        """Return jobs, the oldest first; each argument leaves out what differs from it."""
        wanted = sqlalchemy.select(jobs).where(jobs.c.deleted_at.is_(None)).order_by(jobs.c.id)
        if study is not None:
            wanted = wanted.where(*_of(study))
        if kinds is not None:
            wanted = wanted.where(jobs.c.kind.in_([kind.value for kind in kinds]))
        if states is not None:
            wanted = wanted.where(jobs.c.state.in_([state.value for state in states]))
        with self._database.begin() as connection:
            return [_job(row) for row in connection.execute(wanted)]

    def changes(self, number: int) -> Sequence[Change]:
        """Return the changes of a job's state, the oldest first."""
        wanted = sqlalchemy.select(job_changes).where(job_changes.c.job_id == number).order_by(job_changes.c.id)
        with self._database.begin() as connection:
            rows = connection.execute(wanted).all()
        return [Change(row.at, JobState(row.state), row.actor, row.reason) for row in rows]

    def last_change(self) -> int:
        """Return the number of the latest change of any job; 0 before the first."""
        with self._database.begin() as connection:
            return connection.execute(sqlalchemy.select(sqlalchemy.func.max(job_changes.c.id))).scalar() or 0

    def changes_after(self, number: int, study: str | None = None) -> Sequence[NumberedChange]:
        """Return the changes of jobs after the one with this number, of one study or of all, the oldest first."""
        wanted = (
            sqlalchemy.select(job_changes, jobs.c.study, jobs.c.kind)
            .join(jobs, jobs.c.id == job_changes.c.job_id)
            .where(job_changes.c.id > number)
            .order_by(job_changes.c.id)
        )
        if study is not None:
            wanted = wanted.where(*_of(study))
        with self._database.begin() as connection:
            rows = connection.execute(wanted).all()
        return [
            NumberedChange(
                row.id,
                row.job_id,
                row.study,
                JobKind(row.kind),
                Change(row.at, JobState(row.state), row.actor, row.reason),
            )
            for row in rows
        ]

    def forget(self, study: str) -> Sequence[JobRecord]:
        """Hide the jobs of a deleted study that do not run, and return them; remove its leases. Final models stay.

        A new study of the same name has none of them, nor the models.
        """
        held, now = [state.value for state in JobState if state.occupies], time.time()
        rest = jobs.update().where(*_of(study), jobs.c.state.not_in(held))
        gone = rest.where(jobs.c.kind != JobKind.TRAIN.value).values(deleted_at=now)
        with self._database.begin() as connection:
            rows = connection.execute(gone.returning(*jobs.c)).all()
            connection.execute(rest.where(jobs.c.kind == JobKind.TRAIN.value).values(orphaned_at=now))
            connection.execute(leases.delete().where(leases.c.study == study))
        self.changed()
        return [_job(row) for row in rows]

    def forget_model(self, job: JobRecord) -> None:
        """Hide a final training that is over.

        Raises:
            StudyError: it is not over.
        """
        over = jobs.c.state.in_([state.value for state in OVER])
        ended = jobs.update().where(jobs.c.id == job.id, over).values(deleted_at=time.time())
        with self._database.begin() as connection:
            if not connection.execute(ended).rowcount:
                raise StudyError(f"model {job.id}: is {job.state.value}; cancel its training, then delete it")

    def deleted(self, before: float) -> Sequence[JobRecord]:
        """Return the jobs of studies that were deleted before a time, in seconds since 1970."""
        with self._database.begin() as connection:
            return [_job(row) for row in connection.execute(sqlalchemy.select(jobs).where(jobs.c.deleted_at <= before))]

    def move(
        self,
        number: int,
        state: JobState,
        *,
        since: Iterable[JobState] = tuple(JobState),
        seen: JobRecord | None = None,
        used_until: float | None = None,
        actor: str = SERVICE,
        reason: str = "",
        **values: Any,
    ) -> JobRecord | None:
        """Change the state of a job that is in one of the states `since`; return it, else None.

        Args:
            number: of the job.
            state: the new one.
            since: the states that it may be in.
            seen: the job as it was read: it changes only if neither its state nor its `wanted` has changed since.
            used_until: when it last used its slots, if that is known to lie before now.
            actor: who asked for it.
            reason: why, for readers.
            values: other columns that change with it.
        """
        now = time.time()
        with self._database.begin() as connection:
            changing = jobs.update().where(jobs.c.id == number, jobs.c.state.in_([each.value for each in since]))
            if seen is not None:
                wanted = None if seen.wanted is None else seen.wanted.value
                changing = changing.where(jobs.c.state == seen.state.value, jobs.c.wanted.is_not_distinct_from(wanted))
            if not connection.execute(changing.values(state=state.value, reason=reason, **values)).rowcount:
                return None
            _note(connection, number, state, actor, reason)
            job = _job(connection.execute(sqlalchemy.select(jobs).where(jobs.c.id == number)).one())
            _account(connection, job, now if used_until is None else used_until)
        if actor != SERVICE:
            asked = state if job.wanted is None else job.wanted
            _log.info("%s: %s by %s%s", job.title, asked.value, actor, f": {reason}" * bool(reason))
        self.changed()
        return job

    def amend(self, job: JobRecord, **values: Any) -> JobRecord | None:
        """Change other columns of a job and return it; return None if its state has changed since it was read."""
        changing = jobs.update().where(jobs.c.id == job.id, jobs.c.state == job.state.value)
        with self._database.begin() as connection:
            is_changed = connection.execute(changing.values(**values)).rowcount > 0
        self.changed()
        return self.get(job.id) if is_changed else None

    def update(self, number: int, **values: Any) -> JobRecord:
        """Change other columns of a job than its state.

        Raises:
            UnknownStudy: there is no job of that number.
        """
        with self._database.begin() as connection:
            connection.execute(jobs.update().where(jobs.c.id == number).values(**values))
        self.changed()
        return self.get(number)

    def usage(self, capacity: Slots, now: float) -> Mapping[str, float]:
        """Return the seconds of the whole machine that each user has had lately."""
        recent = sqlalchemy.or_(uses.c.end.is_(None), uses.c.end > now - REMEMBERED_SECONDS)
        with self._database.begin() as connection:
            rows = connection.execute(sqlalchemy.select(uses).where(recent)).all()
        return usage(
            (
                Use(row.owner, Slots(row.cpus, row.gpus).share(capacity), row.start, row.end if row.end else now)
                for row in rows
            ),
            now,
        )

    def _search(self, connection: Connection, study: str) -> JobRecord | None:
        kinds = [JobKind.RUN.value, JobKind.REMOTE.value]
        wanted = sqlalchemy.select(jobs).where(*_of(study), jobs.c.kind.in_(kinds))
        row = connection.execute(wanted.order_by(jobs.c.id.desc())).first()
        return None if row is None else _job(row)

    def _one(self, condition: sqlalchemy.ColumnElement[bool], message: str) -> JobRecord:
        with self._database.begin() as connection:
            row = connection.execute(sqlalchemy.select(jobs).where(condition)).first()
        if row is None:
            raise UnknownStudy(message)
        return _job(row)


def _of(study: str) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    """Return the conditions of a job of a study, and not of a deleted one of the same name."""
    return jobs.c.study == study, jobs.c.deleted_at.is_(None), jobs.c.orphaned_at.is_(None)


def _note(connection: Connection, number: int, state: JobState, actor: str, reason: str) -> None:
    values = {"job_id": number, "at": time.time(), "state": state.value, "actor": actor, "reason": reason}
    connection.execute(job_changes.insert(), values)


def _account(connection: Connection, job: JobRecord, now: float) -> None:
    """Open a use of slots when a job occupies them, and close it when it no longer does."""
    open_use = sqlalchemy.and_(uses.c.job_id == job.id, uses.c.end.is_(None))
    is_open = connection.execute(sqlalchemy.select(uses.c.id).where(open_use)).first() is not None
    if job.state.occupies and not is_open:
        values = {"job_id": job.id, "owner": job.owner, **dataclasses.asdict(job.slots), "start": now}
        connection.execute(uses.insert(), values)
    elif is_open and not job.state.occupies:
        connection.execute(uses.update().where(open_use).values(end=now))


def _job(row: Row[Any]) -> JobRecord:
    values = dict(row._mapping)
    del values["deleted_at"], values["orphaned_at"]
    slots = Slots(values.pop("cpus"), values.pop("gpus"))
    process = values.pop("process")
    return JobRecord(
        **values
        | {
            "kind": JobKind(values["kind"]),
            "state": JobState(values["state"]),
            "slots": slots,
            "passed": frozenset(values["passed"]),
            "wanted": None if values["wanted"] is None else JobState(values["wanted"]),
            "process": None if process is None else Process(**process),
        }
    )
