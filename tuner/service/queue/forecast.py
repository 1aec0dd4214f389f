"""The forecast: about when each waiting job will start, if no other job comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.scheduler import Job, schedule
from tuner.service.queue.slots import Slots

STEPS = 500
"""Ends of jobs that are played through at most; a job that waits for more has no forecast."""


def forecast(jobs: Iterable[Job], capacity: Slots, usage: Mapping[str, float], now: float) -> Mapping[int, float]:
    """Return the seconds until each queued job starts, by its id. A job without a forecast is left out.

    The scheduler is played forward over the ends of jobs, at their estimates. A job without one never ends here.
    """
    played = _Played({job.id: job for job in jobs if job.state is JobState.QUEUED or job.state.occupies}, now)
    waiting = {job.id for job in played.jobs.values() if job.state is JobState.QUEUED}
    starts: dict[int, float] = {}
    for _ in range(STEPS):
        plan = schedule(played.jobs.values(), capacity, usage, played.clock)
        for number in plan.suspends:
            played.suspend(number)
        for start in plan.starts:
            played.start(start.job, start.passed)
            starts.setdefault(start.job, played.clock - now)
        if plan.suspends:
            continue  # what was freed is given out at the same time
        if starts.keys() >= waiting or not played.end_next():
            break
    return {number: starts[number] for number in waiting & starts.keys()}


@dataclass(slots=True)
class _Played:
    """Jobs as they will be at a time to come; a suspended job is queued again at once."""

    jobs: dict[int, Job]
    clock: float

    def start(self, number: int, passed: frozenset[int]) -> None:
        self.jobs[number] = replace(self.jobs[number], state=JobState.RUNNING, started_at=self.clock, passed=passed)

    def suspend(self, number: int) -> None:
        job = self.jobs[number]
        self.jobs[number] = replace(
            job, state=JobState.QUEUED, queued_at=self.clock, started_at=None, passed=frozenset()
        )

    def end_next(self) -> bool:
        """Go on to the next end of jobs; False if none is known."""
        left = {
            number: job.seconds_left
            for number, job in self.jobs.items()
            if job.state.occupies and job.seconds_left is not None
        }
        if not left:
            return False
        passed = min(left.values())
        self.clock += passed
        for number, seconds in left.items():
            if seconds <= passed:
                del self.jobs[number]
            else:
                self.jobs[number] = replace(self.jobs[number], seconds_left=seconds - passed)
        return True
