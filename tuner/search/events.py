"""The events of a driver for its observers: one small fact for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tuner.goal import Goal
from tuner.protocol import Epoch, Outcome, Place, Trial, Verdict, WorkerState
from tuner.study import Record, TrialStatus


@dataclass(frozen=True, slots=True)
class Opened:
    """The study is open: the trials of earlier runs, and the limits of this one.

    `states` counts the ended trials of all runs by state. `total` is the study's number of trials. `recovered` were
    left running by a crash. `limit` is the run's time in seconds. `front` is the best trial, or with several objectives
    those that none dominates. `notes` say what was inferred from the data.
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
        """The number of trials that had ended before this run."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Started:
    """A trial starts or resumes at a place."""

    trial: Trial
    place: Place


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch was reported and judged."""

    epoch: Epoch
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial ended; `front` is the study's front with it, `states` counts all ended trials of all runs."""

    outcome: Outcome
    record: Record
    front: list[Record]
    states: Mapping[TrialStatus, int]


@dataclass(frozen=True, slots=True)
class SetBack:
    """A trial waits to resume: it was suspended, or lost with its worker."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal asks the run to end."""

    signal: int


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker is starting, ready or gone; `cause` says why it is gone, and is empty at the normal end."""

    worker: str
    state: WorkerState
    cause: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault outside of the trials: the run waits or continues without it, as the message says."""

    message: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A note on how trials are trained."""

    message: str


Event: TypeAlias = Opened | Started | Reported | Ended | SetBack | Stopping | WorkerSeen | Trouble | Noted
Observer: TypeAlias = Callable[[Event], None]
