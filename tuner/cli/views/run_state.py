"""How far a run is: counted from the driver's events, shown by whoever asks."""

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
"""So long a message stays at least, however soon the next epoch comes in."""

CAUSE_SECONDS = 5.0
"""So long the row of a worker says what became of the one before it."""


@dataclass(slots=True)
class Running:
    """A trial that runs, where, when it began and last gave a sign by `time.monotonic`, and its last epoch.

    `value` is that of the one objective as it stands, of an epoch that keeps to the bounds; None before there is one.
    """

    trial: Trial
    place: Place
    began: float
    seen: float
    epoch: Epoch | None = None
    value: float | None = None

    @property
    def epochs(self) -> int:
        """How many it is to train."""
        return int(self.trial.values["training"]["epochs"])

    @property
    def trained(self) -> int:
        """The last epoch that it has trained."""
        return self.epoch.epoch if self.epoch else 0

    @property
    def seconds_left(self) -> float:
        """How long its epochs take that are left, at the pace of the last; 0 before one is known."""
        if self.epoch is None:
            return 0.0
        left = (self.epochs - self.trained) * self.epoch.seconds * self.epoch.lanes
        return max(0.0, left - (time.monotonic() - self.seen))

    def see(self, epoch: Epoch, goal: Goal) -> None:
        """Take an epoch into account."""
        self.epoch, self.seen = epoch, time.monotonic()
        self.value = value_after(goal, self.value, epoch.metrics)


@dataclass(slots=True)
class Worker:
    """A worker as it was last seen; its place is known once it has had a trial.

    `cause` says why it, or the one that it replaces, is gone, since `died` by `time.monotonic`.
    """

    name: str
    state: WorkerState
    cause: str = ""
    died: float = 0.0
    place: Place | None = None

    @property
    def replaced(self) -> bool:
        """Whether one died in its place a moment ago; another is there sooner than anyone can read why."""
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
        """Take an event into account."""
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
        """What a worker trains, if it does: of the trials that are not through, the one that gave the last sign.

        It may hold others that were asked for ahead and have not begun: these have no epoch, and of several the first
        is the next. The study may hear later, in its order, of one that is over for it.
        """
        held = [one for one in list(self.running.values()) if one.place.worker == worker]
        return max(held, key=_nearness, default=None)

    @property
    def leader(self) -> Running | None:
        """The trial that runs and is better than every one that has ended, as it stands; None where there is none."""
        if self.goal is None:
            return None
        best = self.front[0].value if self.front else None
        return leader_of(list(self.running.values()), best, self.goal.direction)

    def is_due(self, every: float) -> bool:
        """Whether a sign of life is due, `every` seconds after the last or after the trial's beginning."""
        first = min((one.began for one in self.running.values()), default=self._began)
        due = time.monotonic() - max(first, self._last_sign) > every
        if due:
            self._last_sign = time.monotonic()
        return due

    @property
    def metrics(self) -> tuple[str, ...]:
        """The objectives; none before the study is open."""
        return self.goal.metrics if self.goal else ()

    @property
    def titles(self) -> tuple[str, ...]:
        """What people read of each of them."""
        return self.goal.titles if self.goal else ()

    @property
    def ended(self) -> int:
        """How many trials have ended, in all runs."""
        return sum(self.states.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float | None:
        """The trials that are left at the pace of this run, pruned ones included; None before one has ended.

        Of a trial that runs its epochs count as its part. It takes no less than the running trial that has longest to
        go, and no more than the run's time limit leaves.
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
    """How near a trial is to being the one that its worker trains."""
    return one.trained < one.epochs, one.epoch is not None, one.seen if one.epoch else -one.began
