"""About how long jobs run that have no pace of their own yet: as long as earlier ones like them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from tuner.service.queue.job_record import JobKind, JobRecord

TIMED = (JobKind.RUN, JobKind.CONFIRM, JobKind.TRAIN)
"""Kinds of jobs that end by themselves."""

_LIKENESS: Sequence[Callable[[JobRecord], str]] = (lambda job: job.folder or job.study, lambda job: job.owner)
"""What jobs of a kind share: the same submission or study, else the same owner."""


def seconds_left(job: JobRecord, earlier: Iterable[JobRecord], now: float) -> float | None:
    """Return about how long a job will still run, by the median of earlier ones like it; None without any.

    Searches are compared by their seconds for each trial.

    Args:
        job: a job that waits or runs.
        earlier: jobs that are done, of any study.
        now: in seconds since 1970.
    """
    lasted = [
        (each, (each.ended_at - each.started_at) / _size(each))
        for each in earlier
        if each.kind is job.kind and each.ended_at is not None and each.started_at is not None
    ]
    for shared in _LIKENESS:
        if alike := [seconds for each, seconds in lasted if shared(each) == shared(job)]:
            passed = now - job.started_at if job.state.occupies and job.started_at is not None else 0.0
            return max(0.0, statistics.median(alike) * _size(job) - passed)
    return None


def _size(job: JobRecord) -> int:
    """Return the number of a search's trials, and 1 for another job."""
    return max(1, job.command.get("n_trials") or 1)
