"""About how long queued jobs wait, for readers: a forecast that is made anew every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tuner.service.queue.durations import TIMED, seconds_left
from tuner.service.queue.forecast import forecast
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.queue_waits import Waits, waits_of
from tuner.service.queue.scheduler import Plan
from tuner.service.queue.slots import Slots

FORECAST_SECONDS = 5.0
"""Seconds between two forecasts. One of hundreds of jobs takes a part of a second."""


class WaitEstimates:
    """Estimates of the waits in a queue.

    Args:
        jobs: of the service; those that are done say how long others run.
        capacity: of the server.
        pace: returns the seconds that a running job still takes by its own pace, None if it has none yet.
    """

    def __init__(self, jobs: Jobs, capacity: Slots, pace: Callable[[int], float | None]) -> None:
        self._jobs = jobs
        self._capacity = capacity
        self._pace = pace
        self._made_at = -float("inf")
        self._waiting: frozenset[int] = frozenset()
        self._seconds: Mapping[int, float] = {}

    def waits(
        self, plan: Plan, jobs: Sequence[JobRecord], usage: Mapping[str, float], now: float
    ) -> Mapping[int, Waits]:
        """Return the wait of each queued job, by its id.

        Args:
            plan: of the scheduler.
            jobs: all that are queued or occupy slots.
            usage: seconds of the whole machine that users have had lately.
            now: in seconds since 1970.

        Raises:
            StorageError: the database cannot be read.
        """
        waiting = frozenset(wait.job for wait in plan.waits)
        if time.monotonic() - self._made_at > FORECAST_SECONDS or waiting != self._waiting:
            earlier = self._jobs.all(kinds=TIMED, states=(JobState.DONE,))
            timed = [job.for_scheduler(self._left(job, earlier, now)) for job in jobs]
            self._seconds = forecast(timed, self._capacity, usage, now)
            self._made_at, self._waiting = time.monotonic(), waiting
        return waits_of(plan.waits, self._seconds)

    def _left(self, job: JobRecord, earlier: Sequence[JobRecord], now: float) -> float | None:
        own = self._pace(job.id)
        return seconds_left(job, earlier, now) if own is None else own
