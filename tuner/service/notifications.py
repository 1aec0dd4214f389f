"""Notifications: webhooks hear of the end of a search, and of each trial that is the best so far.

A change of a job becomes deliveries in one transaction with the place up to which changes were read. So none is lost
and none is queued twice, whenever the server dies. `webhook_calls` tries a delivery again until the receiver takes it.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection

from tuner.errors import StudyError, TunerError, UsageError
from tuner.results.announcement import Announcement
from tuner.runtime.webhook import Reach
from tuner.search.notify import secret_of
from tuner.service.database import Database
from tuner.service.log_lines import apart
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.running.event_file import events_from
from tuner.service.running.job_folder import JobFolder
from tuner.service.service_tables import cursors, deliveries, webhooks
from tuner.service.submitted.space_policy import refuse_secret
from tuner.service.webhook_calls import WebhookCalls
from tuner.settings import Milestone, Webhook
from tuner.space import Space
from tuner.space.edit import pairs_of
from tuner.storage import open_storage
from tuner.study import load_study

SETTLED_SECONDS = 1.0
"""Age in seconds at which a change is read: one with a smaller id may still be in another transaction."""

TICK_SECONDS = 1.0
"""Seconds between two looks at what has happened."""

CHANGES = "changes"
"""The cursor of the changes of jobs."""

EVENTS = "events "
"""The beginning of the cursor of a job's events, before its number."""

_MILESTONES = {JobState.DONE: Milestone.DONE, JobState.FAILED: Milestone.FAILED}
_SEARCHES = (JobKind.RUN, JobKind.REMOTE)
_log = logging.getLogger(__name__)


class Notifications:
    """The notifications of a server, from a thread of their own.

    Args:
        database: of the service.
        jobs: in it.
        link: returns the address of a study's page.
        reach: the addresses that may be called. Members name them, and they must not reach the server's network.
    """

    def __init__(self, database: Database, jobs: Jobs, link: Callable[[str], str], reach: Reach = Reach.PUBLIC) -> None:
        self._database = database
        self._jobs = jobs
        self._link = link
        self.calls = WebhookCalls(database, reach)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        """Begin to look for what has happened."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and wait for the calls on their way. The next server delivers what is left."""
        self._over.set()
        self._thread.join()
        self.calls.close()

    def _run(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            try:
                self.tick()
            except (TunerError, OSError) as error:  # the database is away: later looks find the same
                _log.warning("notifications wait: %s", error)
            except Exception:  # a fault of this program must not end the notifications of others
                _log.exception("notifications have met a fault of their own")

    def tick(self) -> None:
        """Queue what has happened, and begin to deliver what is due.

        Raises:
            StorageError: the database cannot be used.
        """
        self._queue_changes()
        for job in self._jobs.all(kinds=_SEARCHES, states=(JobState.RUNNING, JobState.SUSPENDING)):
            with apart(_log, f"{job.title}: its events cannot be read"):
                self._queue_best(job)
        self.calls.begin_due()

    def _queue_changes(self) -> None:
        with self._database.begin() as connection:
            position = _position(connection, CHANGES)
        now = time.time()
        found = self._jobs.changes_after(position)
        changes = list(itertools.takewhile(lambda each: not now - SETTLED_SECONDS <= each.change.at <= now, found))
        for change in changes:
            if change.kind in _SEARCHES and (milestone := _MILESTONES.get(change.change.state)) is not None:
                job = self._jobs.get(change.job, deleted=True)
                if milestone is Milestone.DONE:
                    self._queue_best(job)
                self._queue(job, milestone, CHANGES, change.id, change.change.reason)
        if changes:
            with self._database.begin() as connection:
                _move(connection, CHANGES, changes[-1].id)

    def _queue_best(self, job: JobRecord) -> None:
        """Queue the best trial of a search, if it has changed since the last call."""
        cursor, events = f"{EVENTS}{job.id}", JobFolder.of(self._database.home, job.id).events
        with self._database.begin() as connection:
            position = _position(connection, cursor)
        until, changed = position, False
        for read, ended in events_from(events, position, ("ended",)):
            until = read
            changed = changed or (ended is not None and bool(ended.get("best")))
        if until == position:
            return
        if changed:
            self._queue(job, Milestone.BEST, cursor, until)
        else:
            with self._database.begin() as connection:
                _move(connection, cursor, until)

    def _queue(self, job: JobRecord, milestone: Milestone, cursor: str, position: int, reason: str = "") -> None:
        """Queue a delivery to each webhook of a job, and note that its event was read."""
        queued: list[dict[str, Any]] = []
        with apart(_log, f"{job.title}: no webhook hears that it is {milestone.value}"):
            queued = list(self._deliveries(job, milestone, reason))
        with self._database.begin() as connection:
            for values in queued:
                connection.execute(deliveries.insert(), values)
            _move(connection, cursor, position)

    def _deliveries(self, job: JobRecord, milestone: Milestone, reason: str) -> Iterator[dict[str, Any]]:
        """Yield the new row of each webhook that hears of a milestone. One that cannot be called is given up."""
        hooks = [hook for hook in self._hooks(job) if milestone in hook[0].on]
        body = self._announcement(job, milestone, reason).body.decode() if hooks else ""
        for webhook, secret, error in hooks:
            values = {"job_id": job.id, "owner": job.owner, "url": webhook.url, "secret": secret, "body": body}
            when = {"given_up_at": time.time()} if error else {"next_at": time.time()}
            yield {**values, **when, "tries": 0, "error": error}

    def _hooks(self, job: JobRecord) -> Iterable[tuple[Webhook, str | None, str]]:
        """Yield the webhooks of a job's space and owner, each with its secret, or why it cannot be called."""
        for webhook in self._of_space(job):
            try:
                refuse_secret(webhook)
                yield webhook, secret_of(webhook), ""
            except UsageError as error:
                yield webhook, None, str(error)
        with self._database.begin() as connection:
            owned = connection.execute(sqlalchemy.select(webhooks).where(webhooks.c.owner == job.owner)).all()
        for row in owned:
            yield Webhook(row.url, frozenset(map(Milestone, row.events))), row.secret, ""

    def _of_space(self, job: JobRecord) -> tuple[Webhook, ...]:
        try:
            return load_study(open_storage(self._database.url), job.study).space.study.notify
        except StudyError:  # it failed before it was opened
            return self._of_file(Path(job.folder, SPACE_FILE), job)

    def _of_file(self, file: Path, job: JobRecord) -> tuple[Webhook, ...]:
        """Return the webhooks of a submitted space. One that cannot be read, for which the job failed, has none."""
        try:
            settings = pairs_of(job.command.get("settings") or ())
            return Space.load(file, settings).study.notify if job.folder else ()
        except UsageError as error:
            _log.warning("%s: its webhooks cannot be read: %s", job.title, error)
            return ()

    def _announcement(self, job: JobRecord, milestone: Milestone, reason: str) -> Announcement:
        link = self._link(job.study)
        try:
            study = load_study(open_storage(self._database.url), job.study)
        except StudyError:
            return Announcement(milestone, job.study, (), 0, 0, cause=reason, link=link)
        records = study.records()
        ended = sum(record.finished for record in records)
        total = max(ended, job.command.get("n_trials") or study.space.search.trials)
        return Announcement(
            milestone, job.study, study.goal.metrics, ended, total, study.front(records), cause=reason, link=link
        )


def _position(connection: Connection, cursor: str) -> int:
    found = connection.execute(sqlalchemy.select(cursors.c.position).where(cursors.c.name == cursor)).scalar()
    return found or 0


def _move(connection: Connection, cursor: str, position: int) -> None:
    moved = connection.execute(cursors.update().where(cursors.c.name == cursor).values(position=position))
    if not moved.rowcount:
        connection.execute(cursors.insert(), {"name": cursor, "position": position})
