"""About how long confirmations and final trainings run: as long as earlier ones of the same study."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from tuner.service.queue.job_record import JobKind, JobRecord

TIMED = (JobKind.CONFIRM, JobKind.TRAIN)
"""Kinds of jobs that tell no pace while they run."""


def seconds_left(job: JobRecord, earlier: Iterable[JobRecord], now: float) -> float | None:
    """Return about how long a job will still run, by the median of earlier ones; None without any.

    Args:
        job: a confirmation or a final training, which waits or runs.
        earlier: jobs that are done, of any study.
        now: in seconds since 1970.
    """
    alike = [each for each in earlier if (each.kind, each.study) == (job.kind, job.study)]
    lasted = [
        each.ended_at - each.started_at for each in alike if each.ended_at is not None and each.started_at is not None
    ]
    if not lasted:
        return None
    passed = now - job.started_at if job.state.occupies and job.started_at is not None else 0.0
    return max(0.0, statistics.median(lasted) - passed)
