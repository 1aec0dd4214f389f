"""How far a run is: counted from the driver's events, shown by whoever asks."""

from __future__ import annotations

import collections
import time
from dataclasses import dataclass

from tuner.events import Ended, Event, Opened, Reported, SetBack, Started, Stopping, Trouble, WorkerSeen
from tuner.port import Epoch, Place, Trial, WorkerState
from tuner.study import Record

TROUBLE_SECONDS = 10.0
"""So long a message stays at least, however soon the next epoch comes in."""

CAUSE_SECONDS = 5.0
"""So long the row of a worker says what became of the one before it."""


@dataclass(slots=True)
class Running:
    """A trial that runs, where, when it began and last gave a sign by `time.monotonic`, and its last epoch."""

    trial: Trial
    place: Place
    began: float
    seen: float
    epoch: Epoch | None = None

    @property
    def epochs(self) -> int:
        """How many it is to train."""
        return int(self.trial.values["training"]["epochs"])

    @property
    def trained(self) -> int:
        """The last epoch that it has trained."""
        return self.epoch.epoch if self.epoch else 0


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
        self.metrics: tuple[str, ...] = ()
        self.total = 0
        self.ended = 0
        self.recovered = 0
        self.notes: tuple[str, ...] = ()
        self.front: list[Record] = []
        self.running: dict[int, Running] = {}
        self.workers: dict[str, Worker] = {}
        self.trouble = ""
        self.stopping = False
        self.states: collections.Counter[str] = collections.Counter()
        self.recent: collections.deque[Record] = collections.deque(maxlen=8)
        self._began = time.monotonic()
        self._last_sign = self._began
        self._troubled = 0.0
        self._limit: float | None = None
        self._first: float | None = None
        self._last = self._began
        self._ended_here = 0

    def see(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case Opened():
                self.study, self.metrics, self.total = event.study, event.goal.metrics, event.total
                self.ended, self.recovered, self.front = event.finished, event.recovered, event.front
                self.notes = event.notes
                self._limit = event.limit
            case Started(trial, place):
                now = time.monotonic()
                self.running[trial.number] = Running(trial, place, began=now, seen=now)
                self.workers.setdefault(place.worker, Worker(place.worker, WorkerState.READY)).place = place
                self._first = self._first or now
            case Reported(epoch) if epoch.trial in self.running:
                one = self.running[epoch.trial]
                one.epoch, one.seen = epoch, time.monotonic()
            case SetBack(outcome):
                self.running.pop(outcome.trial, None)
            case Ended(outcome, record, front):
                self.ended, self.front = self.ended + 1, front
                self.states[record.state] += 1
                self.recent.append(record)
                self.running.pop(outcome.trial, None)
                self._ended_here, self._last = self._ended_here + 1, time.monotonic()
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

        It may hold others that have not begun, and the study may hear later, in its order, of one that is over for it.
        """
        held = [one for one in list(self.running.values()) if one.place.worker == worker]
        return max(held, key=lambda one: (one.trained < one.epochs, one.seen), default=None)

    def is_due(self, every: float) -> bool:
        """Whether a sign of life is due, `every` seconds after the last or after the trial's beginning."""
        first = min((one.began for one in self.running.values()), default=self._began)
        due = time.monotonic() - max(first, self._last_sign) > every
        if due:
            self._last_sign = time.monotonic()
        return due

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def seconds_left(self) -> float | None:
        """The remaining trials at the pace of this run's, pruned ones included; None before one has ended.

        Never more than the run's time limit leaves.
        """
        if self._first is None or not self._ended_here:
            return None
        pace = (self._last - self._first) / self._ended_here
        needed = max(0.0, (self.total - self.ended) * pace - (time.monotonic() - self._last))
        return needed if self._limit is None else min(needed, max(0.0, self._limit - self.elapsed))
