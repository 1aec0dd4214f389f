"""What a driver tells whoever watches it: one small fact for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tuner.goal import Goal
from tuner.protocol import Epoch, Outcome, Place, Trial, Verdict, WorkerState
from tuner.study import Record, TrialStatus


@dataclass(frozen=True, slots=True)
class Opened:
    """The study is open: what earlier runs left, and what this one may do.

    `states` counts the trials that have ended in all runs by how they did, of `total` that there are to be;
    `recovered` were left running by a crash; `limit` is the run's time in seconds; `front` is the best trial, or with
    several objectives those that none beats; `notes` tell what was inferred from the data.
    """

    study: str
    goal: Goal
    total: int
    states: Mapping[TrialStatus, int]
    recovered: int
    limit: float | None
    front: list[Record]
    notes: tuple[str, ...]

    @property
    def finished(self) -> int:
        """How many trials had ended before this run."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Started:
    """A trial begins, or goes on, at a place."""

    trial: Trial
    place: Place


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch came in and was judged."""

    epoch: Epoch
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial ended; `front` is the study's with it, `states` counts all trials that have ended, in all runs."""

    outcome: Outcome
    record: Record
    front: list[Record]
    states: Mapping[TrialStatus, int]


@dataclass(frozen=True, slots=True)
class SetBack:
    """A trial waits to go on: it was suspended, or lost with the worker that trained it."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal asks the run to end."""

    signal: int


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker is starting, ready or gone; `cause` says why it is gone, and is empty where it was time."""

    worker: str
    state: WorkerState
    cause: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something outside is wrong, and the run waits or goes on without it, as the message says."""

    message: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something of how trials are trained."""

    message: str


Event: TypeAlias = Opened | Started | Reported | Ended | SetBack | Stopping | WorkerSeen | Trouble | Noted
Observer: TypeAlias = Callable[[Event], None]
