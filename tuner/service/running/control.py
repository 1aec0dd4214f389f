"""Control: what users do with the jobs of a study. It writes the wish to the database; the runner meets it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.errors import StudyError, UsageError, counted, listing
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import OVER, JobState
from tuner.service.queue.slots import Slots

OPEN = frozenset(state for state in JobState if state.occupies) | {JobState.QUEUED}
"""States of a job that the queue has in hand."""

_CANCELLABLE = OPEN | {JobState.SUSPENDED}
_STARTED = (JobState.STARTING, JobState.RUNNING)


class StateConflict(StudyError):
    """A job is in a state in which this cannot be done with it."""


def search(jobs: Jobs, study: str) -> JobRecord:
    """Return the job that searches a study.

    Raises:
        StateConflict: this service has not begun it.
    """
    job = jobs.search_of(study)
    if job is None:
        raise StateConflict(f"study {study}: this service does not search it; resume it first")
    return job


def suspend(jobs: Jobs, study: str, actor: str, reason: str = "") -> JobRecord:
    """Suspend the search of a study: a running one stops at its epochs' end, a queued one leaves the queue.

    Raises:
        StateConflict: it is neither queued nor runs, or this service does not search the study.
    """
    job = search(jobs, study)
    if job.state not in OPEN:
        raise StateConflict(f"study {study}: is {job.state.value}; there is nothing to stop")
    return _moved(_stopped(jobs, job, actor, reason, JobState.SUSPENDED), study)


def cancel(jobs: Jobs, study: str, actor: str, reason: str = "") -> Sequence[JobRecord]:
    """Cancel the search of a study, its confirmation and its final trainings, as far as they are not over.

    Its trials stay; `resume` goes on with the search.

    Raises:
        StateConflict: there is no such job.
    """
    cancelled: dict[int, JobRecord] = {}
    while left := [job for job in jobs.all(study=study) if job.state in _CANCELLABLE and job.id not in cancelled]:
        for job in left:
            stopped = _stopped(jobs, job, actor, reason, JobState.CANCELLED)
            if stopped is not None:  # else it has started or ended in the meantime
                cancelled[job.id] = stopped
    if not cancelled:
        raise StateConflict(f"study {study}: no job of it is queued, runs or rests; there is nothing to stop")
    return list(cancelled.values())


def cancel_job(jobs: Jobs, job: JobRecord, actor: str, reason: str = "") -> JobRecord:
    """Cancel one job for good.

    Raises:
        StateConflict: it is over.
    """
    if job.state not in _CANCELLABLE:
        raise StateConflict(f"job {job.id}: the {job.title} is {job.state.value}; there is nothing to stop")
    return _moved(_stopped(jobs, job, actor, reason, JobState.CANCELLED), job.study)


def resume(jobs: Jobs, study: str, actor: str, reason: str = "") -> JobRecord:
    """Queue the search of a study again that is suspended or cancelled, or has failed.

    Raises:
        StateConflict: it is queued, runs, or is done, or this service does not search the study.
    """
    job = search(jobs, study)
    if job.state is JobState.SUSPENDING and job.wanted is not JobState.QUEUED:
        moved = jobs.move(
            job.id, job.state, since=(job.state,), actor=actor, reason=reason, wanted=JobState.QUEUED.value
        )
    elif job.state in (JobState.SUSPENDED, JobState.FAILED, JobState.CANCELLED):
        moved = _queued(jobs, job, actor, reason)
    elif job.state is JobState.DONE:
        raise StateConflict(f"study {study}: is done; ask for more trials, or a longer timeout, to go on with it")
    else:
        raise StateConflict(f"study {study}: is {job.state.value} already")
    return _moved(moved, study)


def queue_again(jobs: Jobs, study: str, actor: str, reason: str) -> JobRecord:
    """Queue the search of a study that is over or rests; leave one that is queued or runs alone.

    Raises:
        StateConflict: this service does not search the study.
    """
    job = search(jobs, study)
    if job.state is JobState.DONE:
        return _moved(_queued(jobs, job, actor, reason), study)
    goes_on = job.state in OPEN and job.wanted in (None, JobState.QUEUED)
    return job if goes_on else resume(jobs, study, actor, reason)


def change(
    jobs: Jobs,
    study: str,
    actor: str,
    *,
    options: Mapping[str, Any],
    capacity: Slots,
    slots: Slots | None = None,
    priority: int | None = None,
) -> JobRecord:
    """Change the search of a study. A running one stops at its epochs' end and goes on with the new options.

    One that is done, failed or cancelled is queued again if it is asked for more trials or time.

    Args:
        jobs: of the service.
        study: its name.
        actor: who asks.
        options: new values of options of `tuner run`, such as `n_trials`, `timeout` and `workers`.
        capacity: of the server.
        slots: what it needs from now on; None is what it needed.
        priority: the new one; None is the one it has.

    Raises:
        StateConflict: this service does not search the study.
        UsageError: it could never start.
    """
    with jobs.submitting:  # two changes at once would each write the options that it read
        while True:
            job = search(jobs, study)
            wanted = job.slots if slots is None else slots
            refuse_oversized(wanted, capacity)
            changed = _changed(jobs, job, actor, options, wanted, job.priority if priority is None else priority)
            if changed is not None:  # else the runner has started it in the meantime
                return changed


def _changed(
    jobs: Jobs, job: JobRecord, actor: str, options: Mapping[str, Any], wanted: Slots, priority: int
) -> JobRecord | None:
    """Change a job; return None if its state has changed since it was read."""
    values: dict[str, Any] = {
        "command": {**job.command, **options},
        "priority": priority,
        **dataclasses.asdict(wanted),
    }
    differs = values["command"] != dict(job.command) or wanted != job.slots
    told = listing(f"{name.removeprefix('n_')} {value}" for name, value in options.items())
    if differs and job.state in _STARTED:
        reason = f"goes on with {told}"
        again = {"wanted": JobState.QUEUED.value, **values}
        return jobs.move(job.id, JobState.SUSPENDING, since=(job.state,), actor=actor, reason=reason, **again)
    if {"n_trials", "timeout"} & options.keys() and job.state in OVER:
        return _queued(jobs, job, actor, f"asked for {told}", **values)
    return jobs.amend(job, **values)


def follow_up(jobs: Jobs, submission: Submission, capacity: Slots) -> JobRecord:
    """Queue a confirmation or a final training of a study. A confirmation that rests goes on, as it is asked for now.

    Raises:
        UsageError: it could never start.
        StateConflict: the study is being confirmed already.
    """
    refuse_oversized(submission.slots, capacity)
    with jobs.submitting:
        if submission.kind is JobKind.CONFIRM:
            others = jobs.all(study=submission.study, kinds=(JobKind.CONFIRM,), states=OPEN | {JobState.SUSPENDED})
            if others and others[-1].state is JobState.SUSPENDED:
                values = {"command": dict(submission.command), "priority": submission.priority}
                again = _queued(
                    jobs, others[-1], submission.owner, "", **values, **dataclasses.asdict(submission.slots)
                )
                return _moved(again, submission.study)
            if others:
                raise StateConflict(f"study {submission.study}: its confirmation is {others[-1].state.value} already")
        return jobs.submit(submission)


def refuse_oversized(slots: Slots, capacity: Slots) -> None:
    """Refuse slots that the server can never give.

    Raises:
        UsageError: there are too few cores or GPUs.
    """
    if not slots.fits(capacity):
        needs, has = (f"{counted(each.cpus, 'core')} and {counted(each.gpus, 'GPU')}" for each in (slots, capacity))
        raise UsageError(f"it needs {needs}, and this server has {has}; ask for fewer workers or smaller resources")


def _stopped(jobs: Jobs, job: JobRecord, actor: str, reason: str, wanted: JobState) -> JobRecord | None:
    """Stop a job, and return it; return None if its state has changed since it was read."""
    if job.state.occupies and (job.state, job.wanted) == (JobState.SUSPENDING, wanted):
        return job
    if not job.state.occupies:
        return jobs.move(job.id, wanted, since=(job.state,), actor=actor, reason=reason, **_ended(wanted))
    occupying = tuple(state for state in JobState if state.occupies)
    return jobs.move(job.id, JobState.SUSPENDING, since=occupying, actor=actor, reason=reason, wanted=wanted.value)


def _queued(jobs: Jobs, job: JobRecord, actor: str, reason: str, **values: Any) -> JobRecord | None:
    again = {"queued_at": time.time(), "ended_at": None, "exit_code": None, "starts": 0, "wanted": None, **values}
    return jobs.move(job.id, JobState.QUEUED, since=(job.state,), actor=actor, reason=reason, **again)


def _ended(state: JobState) -> dict[str, Any]:
    return {"ended_at": time.time() if state in OVER else None, "wanted": None}


def _moved(job: JobRecord | None, study: str) -> JobRecord:
    if job is None:
        raise StateConflict(f"study {study}: changed in the meantime; try again")
    return job
