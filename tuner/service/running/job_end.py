"""What follows when a job's driver has ended: done, failed, or a new start. A pure function of what is known of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from tuner.errors import OUTAGE_CODE, NoTrialSucceeded, TunerError, UsageError
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_process import Ended

MOST_STARTS = 3
"""Starts in a row without progress after which a job has failed."""

_REFUSED = frozenset({UsageError.exit_code, NoTrialSucceeded.exit_code, TunerError.exit_code})
_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a driver that has ended.

    `complete` is whether its study has its total. `progressed` is whether its work since its start brings the next
    driver further. `with_server` is whether no server followed it at its end, or one that was ending too. `last_lines`
    are those of its output. `retries` is whether people asked it to run trials again, too late for it.
    """

    end: Ended
    complete: bool
    progressed: bool
    last_lines: str
    with_server: bool = False
    retries: bool = False


@dataclass(frozen=True, slots=True)
class Sequel:
    """The state that follows, why, and the number of starts without progress so far."""

    state: JobState
    reason: str
    starts: int


def sequel(job: JobRecord, known: Known) -> Sequel:
    """Return what follows for a job whose driver has ended.

    - Exit code 0, or 1 with all its trials: done. If it has trials to run again, queued, at most `MOST_STARTS` times.
    - The state that was asked for, such as suspended. A search is queued even after exit code 0.
    - Stopped by SIGINT, as `tuner stop` does: suspended.
    - An error of its own: failed.
    - Stopped or killed together with its server, as when a machine goes down: queued, and that start is not counted.
    - Anything else, SIGTERM included, is a death: queued again, and failed after `MOST_STARTS` in a row without
      progress.
    """
    code = known.end.code
    may_have_more = job.kind is JobKind.RUN and job.wanted is JobState.QUEUED  # asked for just before its end
    has_all = code == 0 or (code == TunerError.exit_code and known.complete)
    if has_all and known.retries and job.wanted is None and job.starts < MOST_STARTS:
        return Sequel(JobState.QUEUED, "is asked to run trials again", job.starts)
    if code == 0 and not may_have_more:
        return Sequel(JobState.DONE, "", 0)
    if job.wanted is not None:
        return Sequel(job.wanted, job.reason, 0)
    if code == _INTERRUPTED:
        return Sequel(JobState.SUSPENDED, "stopped by SIGINT, or by tuner stop", 0)
    if has_all:
        return Sequel(JobState.DONE, _told("more than half of the trials of its last run failed", known), 0)
    if code in _REFUSED:
        return Sequel(JobState.FAILED, _told(f"exit code {code}", known), job.starts)
    if known.with_server and code in (None, _TERMINATED):
        return Sequel(JobState.QUEUED, "its server or machine went down; it goes on", max(0, job.starts - 1))
    return _after_death(job, known)


def _after_death(job: JobRecord, known: Known) -> Sequel:
    starts = 1 if known.progressed else job.starts
    how = _how(known)
    if starts >= MOST_STARTS:
        return Sequel(JobState.FAILED, _told(f"{how}, {starts} times without progress", known), starts)
    return Sequel(JobState.QUEUED, f"{how}; it goes on", starts)


def _how(known: Known) -> str:
    code = known.end.code
    if code is None:
        return "its driver was killed"
    if code == OUTAGE_CODE:
        return "its driver could not use the database"
    if code == _TERMINATED:
        return "its driver was stopped by SIGTERM"
    if code > 128:
        return f"its driver died of signal {code - 128}"
    return f"its driver ended with exit code {code}"


def _told(what: str, known: Known) -> str:
    return f"{what}: {known.last_lines}" if known.last_lines else what
