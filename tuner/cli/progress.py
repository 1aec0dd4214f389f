"""How far a run is: counted from the driver's events, shown by whoever asks."""

from __future__ import annotations

import collections
import time
from dataclasses import dataclass

from tuner.driver import Ended, Event, Opened, Reported, SetBack, Started, Stopping
from tuner.port import Epoch, Trial
from tuner.study import Record


@dataclass(slots=True)
class Running:
    """A trial that runs, when it began by `time.monotonic`, and its last epoch."""

    trial: Trial
    began: float
    epoch: Epoch | None = None


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
        self.stopping = False
        self.states: collections.Counter[str] = collections.Counter()
        self.recent: collections.deque[Record] = collections.deque(maxlen=8)
        self._began = time.monotonic()
        self._last_sign = self._began
        self._limit: float | None = None
        self._seconds: list[float] = []
        self._most = 1

    def see(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case Opened():
                self.study, self.metrics, self.total = event.study, event.goal.metrics, event.total
                self.ended, self.recovered, self.front = event.finished, event.recovered, event.front
                self.notes = event.notes
                self._limit = event.limit
            case Started(trial, _):
                self.running[trial.number] = Running(trial, time.monotonic())
                self._most = max(self._most, len(self.running))
            case Reported(epoch):
                self.running[epoch.trial].epoch = epoch
            case SetBack(outcome):
                del self.running[outcome.trial]
            case Ended(outcome, record, front):
                self.ended, self.front = self.ended + 1, front
                self.states[record.state] += 1
                self.recent.append(record)
                self._seconds.append(time.monotonic() - self.running.pop(outcome.trial).began)
            case Stopping():
                self.stopping = True

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
        """The remaining trials at the mean of this run's, pruned ones included; None before one has ended.

        Never more than the run's time limit leaves.
        """
        if not self._seconds:
            return None
        mean, now = sum(self._seconds) / len(self._seconds), time.monotonic()
        spent = sum(min(now - one.began, mean) for one in self.running.values())
        needed = max(0.0, (self.total - self.ended) * mean - spent) / self._most
        return needed if self._limit is None else min(needed, max(0.0, self._limit - self.elapsed))
