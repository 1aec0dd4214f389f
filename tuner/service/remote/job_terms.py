"""Job terms: whether the job of a remote study lets workers have trials, and until when."""

from __future__ import annotations

import math
import time

from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.lifecycle import JobState

OPEN = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
"""States of a job whose workers get trials."""


def halt_of(job: JobRecord) -> str:
    """Return why workers are to give their trials back, such as `is suspended`; empty if they are not.

    A job that stops only to go on with other options halts nobody.
    """
    state = job.state if job.wanted is None else job.wanted
    return "" if state in OPEN else f"is {state.value}"


def is_paused(job: JobRecord) -> bool:
    """Return whether workers are to wait until somebody resumes the job."""
    state = job.state if job.wanted is None else job.wanted
    return state in (JobState.SUSPENDING, JobState.SUSPENDED)


def end_of(job: JobRecord, timeout: float | None) -> float:
    """Return the time at which `search.timeout` of a job is used up, in seconds since 1970; infinity is never."""
    if timeout is None or job.started_at is None or job.state is JobState.QUEUED:
        return math.inf
    return job.started_at + timeout


class TimeLimit:
    """`search.timeout` of a study, from the last start of its job. A clock that jumps later does not change it.

    Args:
        timeout: in seconds; None is no limit.
    """

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._end = self._deadline = math.inf

    def follow(self, job: JobRecord) -> None:
        """Begin anew if the job has started again."""
        if (end := end_of(job, self._timeout)) != self._end:
            self._end, self._deadline = end, time.monotonic() + end - time.time()

    @property
    def used_up(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._deadline
