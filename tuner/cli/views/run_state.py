"""The state of a run, counted from the driver's events, for any view."""

from __future__ import annotations

import collections
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tuner.goal import Goal
from tuner.protocol import Epoch, Place, Trial, WorkerState
from tuner.results.leader import leader_of, value_after
from tuner.search.events import Ended, Event, Opened, Reported, SetBack, Started, Stopping, Trouble, WorkerSeen
from tuner.study import Record, TrialStatus

TROUBLE_SECONDS = 10.0
"""Least number of seconds that a message stays, however soon the next epoch comes."""

CAUSE_SECONDS = 5.0
"""Seconds for which a worker's row shows why its predecessor died."""


@dataclass(slots=True)
class Running:
    """A running trial: its place, its start and last sign by `time.monotonic`, and its last epoch.

    `value` is the current value of the one objective, from an epoch within the bounds; else None.
    """

    trial: Trial
    place: Place
    began: float
    seen: float
    epoch: Epoch | None = None
    value: float | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs that it will train."""
        return int(self.trial.values["training"]["epochs"])

    @property
    def trained(self) -> int:
        """The last epoch that it has trained."""
        return self.epoch.epoch if self.epoch else 0

    @property
    def seconds_left(self) -> float:
        """The seconds of its remaining epochs, at the pace of the last; 0 before the first."""
        if self.epoch is None:
            return 0.0
        left = (self.epochs - self.trained) * self.epoch.seconds * self.epoch.lanes
        return max(0.0, left - (time.monotonic() - self.seen))

    def see(self, epoch: Epoch, goal: Goal) -> None:
        """Record an epoch."""
        self.epoch, self.seen = epoch, time.monotonic()
        self.value = value_after(goal, self.value, epoch.metrics)


@dataclass(slots=True)
class Worker:
    """A worker as last seen; its place is known once it has had a trial.

    `cause` says why it, or the worker that it replaces, is gone, since `died` by `time.monotonic`.
    """

    name: str
    state: WorkerState
    cause: str = ""
    died: float = 0.0
    place: Place | None = None

    @property
    def replaced(self) -> bool:
        """Whether it replaced a worker that died a moment ago, so that its cause stays readable."""
        return bool(self.cause) and time.monotonic() - self.died < CAUSE_SECONDS


class Progress:
    """The state of a run as of the last event."""

    def __init__(self) -> None:
        self.study = ""
        self.goal: Goal | None = None
        self.total = 0
        self.ended_before = 0
        self.recovered = 0
        self.notes: tuple[str, ...] = ()
        self.new_notes: tuple[str, ...] = ()
        self._noted: set[str] = set()
        self.front: list[Record] = []
        self.running: dict[int, Running] = {}
        self.workers: dict[str, Worker] = {}
        self.trouble = ""
        self.stopping = False
        self.states: Mapping[TrialStatus, int] = {}
        self.recent: collections.deque[Record] = collections.deque(maxlen=8)
        self._began = time.monotonic()
        self._last_sign = self._began
        self._troubled = 0.0
        self._limit: float | None = None
        self._first: float | None = None
        self._ended_here = 0

    def see(self, event: Event) -> None:
        """Count an event."""
        match event:
            case Opened():
                if event.study != self.study:  # a confirmation opens its study again at each of its stages
                    self.ended_before, self._ended_here, self._first = event.finished, 0, None
                self.study, self.goal, self.total = event.study, event.goal, event.total
                self.states = event.states
                self.recovered, self.front, self.notes = event.recovered, event.front, event.notes
                self.new_notes = tuple(note for note in event.notes if note not in self._noted)
                self._noted.update(event.notes)
                self._limit = event.limit
            case Started(trial, place):
                now = time.monotonic()
                self.running[trial.number] = Running(trial, place, began=now, seen=now)
                self.workers.setdefault(place.worker, Worker(place.worker, WorkerState.READY)).place = place
                self._first = self._first or now
            case Reported(epoch) if epoch.trial in self.running and self.goal is not None:
                self.running[epoch.trial].see(epoch, self.goal)
            case SetBack(outcome):
                self.running.pop(outcome.trial, None)
            case Ended(outcome, record, front, states):
                self.front, self.states = front, states
                self.recent.append(record)
                self.running.pop(outcome.trial, None)
                self._ended_here += 1
            case Stopping():
                self.stopping = True
            case WorkerSeen(name, state, cause):
                self._see_worker(name, state, cause)
            case Trouble(message):
                self.trouble, self._troubled = message, time.monotonic()
        if isinstance(event, Started | Reported | Ended) and time.monotonic() - self._troubled > TROUBLE_SECONDS:
            self.trouble = ""

    def _see_worker(self, name: str, state: WorkerState, cause: str) -> None:
        worker = self.workers.setdefault(name, Worker(name, state))
        worker.state = state
        if state is WorkerState.GONE:
            worker.cause, worker.died = cause, time.monotonic()

    def trial_of(self, worker: str) -> Running | None:
        """Return the trial that a worker trains now, if any: the latest sign among its unfinished trials.

        The worker may hold others that were asked for ahead and have not begun. These have no epoch, and the first of
        them is the next. The study may learn of an ended trial later, because it keeps its own order.
        """
        held = [one for one in list(self.running.values()) if one.place.worker == worker]
        return max(held, key=_nearness, default=None)

    @property
    def leader(self) -> Running | None:
        """The running trial that is better than every ended one; None if there is none."""
        if self.goal is None:
            return None
        best = self.front[0].value if self.front else None
        return leader_of(list(self.running.values()), best, self.goal.direction)

    def is_due(self, every: float) -> bool:
        """Return whether a sign of life is due, `every` seconds after the last or after the trial's start."""
        first = min((one.began for one in self.running.values()), default=self._began)
        due = time.monotonic() - max(first, self._last_sign) > every
        if due:
            self._last_sign = time.monotonic()
        return due

    @property
    def metrics(self) -> tuple[str, ...]:
        """The objectives; empty before the study is open."""
        return self.goal.metrics if self.goal else ()

    @property
    def titles(self) -> tuple[str, ...]:
        """The titles of the objectives."""
        return self.goal.titles if self.goal else ()

    @property
    def ended(self) -> int:
        """The number of ended trials in all runs."""
        return sum(self.states.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float | None:
        """The seconds for the remaining trials at the pace of this run, pruned ones included; None at first.

        The epochs of a running trial count as its part. The time is at least that of the running trial with the most
        left. It is at most the run's time limit.
        """
        if self._first is None or not self._ended_here:
            return None
        running = list(self.running.values())
        begun = sum(min(1.0, one.trained / one.epochs) for one in running)
        pace = (time.monotonic() - self._first) / (self._ended_here + begun)
        needed = max(0.0, self.total - self.ended - begun) * pace
        needed = max([needed, *(one.seconds_left for one in running)])
        return needed if self._limit is None else min(needed, max(0.0, self._limit - self.elapsed))


def _nearness(one: Running) -> tuple[bool, bool, float]:
    """Return a sort key: how likely a trial is the one that its worker trains."""
    return one.trained < one.epochs, one.epoch is not None, one.seen if one.epoch else -one.began
