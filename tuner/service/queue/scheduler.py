"""The scheduler: decides which jobs start, which are suspended to make room, and which wait.

It is a pure function of the jobs, the capacity, the usage and the clock. It starts nothing and reads nothing.

- Order: the highest level first. Within a level, the user with the least use of late, then the oldest job. A level is
  the priority and one more for each `LEVEL_SECONDS` of waiting, so nobody starves.
- Preemption: a job may suspend jobs that were started at a level below its priority, the latest first. It does so
  only if that makes enough room.
- Backfill: a job that fits may start before one that does not. It is remembered whom it passed. When its slots are
  what such a job still lacks, it is suspended. So it delays nobody by more than an epoch.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import NO_SLOTS, Slots

LEVEL_SECONDS = 6 * 3600.0
"""Seconds of waiting that raise a job by one level."""

CLAIM_SECONDS = 60.0
"""Seconds of use that a job counts for at once, so that jobs that start together are shared fairly."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the scheduler sees it; times are seconds of one clock.

    `queued_at` is since when it waits, or waited. `started_at` is None until it starts. `passed` are the jobs that
    waited before it when it started. `seconds_left` is an estimate of how long it will run, None without one.
    """

    id: int
    user: str
    slots: Slots
    queued_at: float
    state: JobState = JobState.QUEUED
    priority: int = 0
    started_at: float | None = None
    passed: frozenset[int] = frozenset()
    seconds_left: float | None = None

    def level(self, now: float) -> int:
        """Return the priority, and one more for each `LEVEL_SECONDS` that it has waited, or waited until it started."""
        until = now if self.started_at is None else self.started_at
        return self.priority + int(max(0.0, until - self.queued_at) // LEVEL_SECONDS)


@dataclass(frozen=True, slots=True)
class Start:
    """A job is to start; `passed` are the jobs that have waited before it and do not fit."""

    job: int
    passed: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wait:
    """A job waits at a place of the queue, from 1. It lacks `missing`; with `never` it can never fit."""

    job: int
    place: int
    missing: Slots
    never: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision: the jobs that start, those that are suspended, and those that wait, in order."""

    starts: tuple[Start, ...] = ()
    suspends: tuple[int, ...] = ()
    waits: tuple[Wait, ...] = ()


def schedule(jobs: Iterable[Job], capacity: Slots, usage: Mapping[str, float], now: float) -> Plan:
    """Decide what to start and what to suspend.

    Args:
        jobs: all that are queued or occupy slots; others are ignored.
        capacity: of the machine or cluster.
        usage: seconds of the whole machine that users have had lately; 0 for one who is not named.
        now: seconds, of the clock that the jobs' times are of.
    """
    return _Round(list(jobs), capacity, usage, now).plan()


@dataclass(slots=True)
class _Round:
    """One decision. `free` is what can be given out now, `soon` also what suspending jobs hold."""

    jobs: Sequence[Job]
    capacity: Slots
    usage: Mapping[str, float]
    now: float
    free: Slots = NO_SLOTS
    soon: Slots = NO_SLOTS
    running: list[Job] = field(default_factory=list)
    claims: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    starts: list[Start] = field(default_factory=list)
    suspends: list[int] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def plan(self) -> Plan:
        self.free = self.soon = self.capacity
        for job in self.jobs:
            if job.state.occupies:
                self._occupy(job)
        for job in self._in_order():
            self._decide(job)
        return Plan(tuple(self.starts), tuple(self.suspends), tuple(self.waits))

    def _occupy(self, job: Job) -> None:
        self.free -= job.slots
        self.claims[job.user] += job.slots.share(self.capacity) * CLAIM_SECONDS
        if job.state is not JobState.SUSPENDING:
            self.soon -= job.slots
            self.running.append(job)

    def _in_order(self) -> Iterator[Job]:
        """Yield the queued jobs; who starts a job moves back in the order at once."""
        waiting = {job.id: job for job in self.jobs if job.state is JobState.QUEUED}
        heap = [(*self._key(job), job.id) for job in waiting.values()]
        heapq.heapify(heap)
        while heap:
            *key, number = heapq.heappop(heap)
            job = waiting[number]
            if (current := self._key(job)) > tuple(key):
                heapq.heappush(heap, (*current, number))
            else:
                yield job

    def _key(self, job: Job) -> tuple[float, float, float]:
        used = self.usage.get(job.user, 0.0) + self.claims[job.user]
        return -job.level(self.now), used, job.queued_at

    def _decide(self, job: Job) -> None:
        if not job.slots.fits(self.capacity):
            self._wait(job, never=True)
        elif job.slots.fits(self.free) and job.slots.fits(self.soon):
            self.free -= job.slots
            self.soon -= job.slots
            self.claims[job.user] += job.slots.share(self.capacity) * CLAIM_SECONDS
            self.starts.append(Start(job.id, frozenset(wait.job for wait in self.waits if not wait.never)))
        else:
            self._wait(job)
            self._make_room(job)

    def _wait(self, job: Job, never: bool = False) -> None:
        room = self.capacity if never else self.free
        missing = Slots(max(0, job.slots.cpus - room.cpus), max(0, job.slots.gpus - room.gpus))
        self.waits.append(Wait(job.id, len(self.waits) + 1, missing, never))

    def _make_room(self, job: Job) -> None:
        """Keep what suspending jobs will free for a job that fits then; suspend more of them if that is enough."""
        if not job.slots.fits(self.soon):
            victims = self._victims(job)
            if not victims:
                return
            for victim in victims:
                self.running.remove(victim)
                self.soon += victim.slots
            self.suspends += (victim.id for victim in victims)
        self.soon -= job.slots
        self.free = self.free.least(self.soon)

    def _victims(self, job: Job) -> list[Job]:
        """Return the jobs whose end lets a job fit: none is there in vain. Empty if there are not enough."""
        below = [each for each in self.running if job.id in each.passed or each.level(self.now) < job.priority]
        below.sort(key=lambda each: (each.started_at or 0.0, each.id))
        chosen, room = list[Job](), self.soon
        while below and not job.slots.fits(room):
            chosen.append(below.pop())
            room += chosen[-1].slots
        if not job.slots.fits(room):
            return []
        for victim in reversed(tuple(chosen)):
            if job.slots.fits(room - victim.slots):
                chosen.remove(victim)
                room -= victim.slots
        return chosen
