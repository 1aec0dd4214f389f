"""Jobs of a service, and a machine that runs them over a time that passes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.scheduler import Job, Plan, schedule
from tuner.service.queue.slots import Slots

CAPACITY = Slots(8, 2)
NOW = 1_000_000.0


def waiting(number: int, cpus: int = 1, gpus: int = 0, user: str = "ann", priority: int = 0, since: float = 0.0) -> Job:
    return Job(number, user, Slots(cpus, gpus), NOW - since, priority=priority)


def running(number: int, cpus: int = 1, gpus: int = 0, priority: int = 0, since: float = 0.0, passed: int = 0) -> Job:
    job = waiting(number, cpus, gpus, priority=priority, since=since)
    jumped = frozenset({passed} if passed else ())
    return replace(job, state=JobState.RUNNING, started_at=job.queued_at, passed=jumped)


@dataclass
class Machine:
    """Jobs run over time, a suspended one goes on later; `work` is what is left of each, in seconds."""

    work: dict[int, float]
    jobs: dict[int, Job] = field(default_factory=dict)
    clock: float = NOW
    begins: dict[int, float] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    fair: bool = True

    def play(self, arrivals: Sequence[Job], until: float, tick: float = 60.0) -> None:
        coming = sorted(arrivals, key=lambda job: job.queued_at)
        while self.clock < until:
            while coming and coming[0].queued_at <= self.clock:
                job = coming.pop(0)
                self.jobs[job.id] = job
            self._apply(schedule(self.jobs.values(), CAPACITY, self.used, self.clock))
            self._work(tick)

    def _apply(self, plan: Plan) -> None:
        for number in plan.suspends:
            self.jobs[number] = replace(
                self.jobs[number], state=JobState.QUEUED, queued_at=self.clock, started_at=None, passed=frozenset()
            )
        for start in plan.starts:
            job = self.jobs[start.job]
            self.jobs[start.job] = replace(job, state=JobState.RUNNING, started_at=self.clock, passed=start.passed)
            self.begins.setdefault(start.job, self.clock)
        if plan.suspends:
            self._apply(schedule(self.jobs.values(), CAPACITY, self.used, self.clock))

    def _work(self, tick: float) -> None:
        self.clock += tick
        for job in [job for job in self.jobs.values() if job.state is JobState.RUNNING]:
            self.work[job.id] -= tick
            if self.fair:
                self.used[job.user] = self.used.get(job.user, 0.0) + tick * job.slots.share(CAPACITY)
            if self.work[job.id] <= 0:
                del self.jobs[job.id]
                self.ends[job.id] = self.clock
