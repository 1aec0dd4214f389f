"""What follows when a job's driver has ended: done, failed, or a new start. A pure function of what is known of it."""

from __future__ import annotations

import enum
import signal
from dataclasses import dataclass

from tuner.errors import NoTrialSucceeded, TunerError, UsageError
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_process import Ended

MOST_STARTS = 3
"""Starts in a row without progress after which a job has failed."""

_STOPPED = frozenset({128 + signal.SIGINT, 128 + signal.SIGTERM})
_REFUSED = frozenset({UsageError.exit_code, NoTrialSucceeded.exit_code})


class Witness(enum.Enum):
    """Whether a server was there when the driver ended."""

    SAW_IT = enum.auto()
    CAME_LATER = enum.auto()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a driver that has ended.

    `complete` is whether its study has its total, and `progressed` whether a trial ended since its start.
    `database_was_away` is whether the server could not use the database since. `last_lines` are those of its output.
    """

    end: Ended
    complete: bool
    progressed: bool
    database_was_away: bool
    last_lines: str
    witness: Witness


@dataclass(frozen=True, slots=True)
class Sequel:
    """The state that follows, why, and the number of starts without progress so far."""

    state: JobState
    reason: str
    starts: int


def sequel(job: JobRecord, known: Known) -> Sequel:
    """Return what follows for a job whose driver has ended.

    - Exit code 0, or 1 with all its trials: done.
    - The state that was asked for, such as suspended; queued even after exit code 0.
    - Stopped by a signal: suspended. Queued if it was SIGTERM without a server, as when a machine shuts down.
    - An error of its own: failed.
    - Anything else is a death: queued again, and failed after `MOST_STARTS` in a row without progress.
    """
    code = known.end.code
    if code == 0 and job.wanted is not JobState.QUEUED:  # else it may have been asked for more just before its end
        return Sequel(JobState.DONE, "", 0)
    if job.wanted is not None:
        return Sequel(job.wanted, job.reason, 0)
    if code in _STOPPED:
        if known.witness is Witness.CAME_LATER and code == 128 + signal.SIGTERM:
            return Sequel(JobState.QUEUED, "its machine was shut down; it goes on", 0)
        return Sequel(JobState.SUSPENDED, "stopped by a signal, or by tuner stop", 0)
    if code == TunerError.exit_code and known.complete:
        return Sequel(JobState.DONE, _told("more than half of the trials of its last run failed", known), 0)
    if code in _REFUSED or (code == TunerError.exit_code and not known.database_was_away):
        return Sequel(JobState.FAILED, _told(f"exit code {code}", known), job.starts)
    return _after_death(job, known)


def _after_death(job: JobRecord, known: Known) -> Sequel:
    starts = 1 if known.progressed else job.starts
    how = _how(known)
    if starts >= MOST_STARTS:
        return Sequel(JobState.FAILED, _told(f"{how}, {starts} times without a trial", known), starts)
    return Sequel(JobState.QUEUED, f"{how}; it starts again", starts)


def _how(known: Known) -> str:
    code = known.end.code
    if code is None:
        return "its driver was killed"
    if code > 128:
        return f"its driver died of signal {code - 128}"
    return f"its driver ended with exit code {code}"


def _told(what: str, known: Known) -> str:
    return f"{what}: {known.last_lines}" if known.last_lines else what
