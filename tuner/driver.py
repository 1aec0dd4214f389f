"""The driver: decides which trial runs next and which one stops.

It asks the study, feeds the port and applies verdicts. It trains nothing and prints nothing; who wants
to see what happens passes `observe`.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tuner.files import write_whole
from tuner.goal import Goal
from tuner.port import Epoch, Outcome, State, Trial, Verdict
from tuner.study import Record, Study


@dataclass(frozen=True, slots=True)
class Opened:
    """The study is open: what earlier runs left, and what this one may do.

    `finished` trials of `total` have ended, `recovered` were left running by a crash; `limit` is the
    run's time in seconds; `front` is the best trial, or with several objectives those that none beats;
    `notes` tell what was inferred from the data.
    """

    study: str
    goal: Goal
    total: int
    finished: int
    recovered: int
    limit: float | None
    front: list[Record]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Started:
    """A trial begins, or goes on."""

    trial: Trial


@dataclass(frozen=True, slots=True)
class Reported:
    """An epoch came in and was judged."""

    epoch: Epoch
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial ended; `front` is the study's with it."""

    outcome: Outcome
    record: Record
    front: list[Record]


@dataclass(frozen=True, slots=True)
class SetBack:
    """A trial waits to go on: it was suspended, or lost with the worker that trained it."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal asks the run to end."""

    signal: int


Event: TypeAlias = Opened | Started | Reported | Ended | SetBack | Stopping
Observer: TypeAlias = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run starts no more trials.

    The study has `total` trials, `time.monotonic` passes `deadline`, or so many `failures` came in a row.
    """

    total: int
    deadline: float
    failures: int


class Driver:
    """The port that engines pull from, over a study.

    Args:
        study: opened for the space.
        device: that trials run on, for the record.
        threads: that each trial computes with, for the record.
        limits: when no more trials are started.
        checkpoints: the folder of the running trials' checkpoints.
        observe: is told of every event.
    """

    def __init__(
        self,
        study: Study,
        device: str,
        threads: int,
        limits: Limits,
        checkpoints: Path,
        observe: Observer,
    ) -> None:
        self._study = study
        self._limits = limits
        self._failed: list[Outcome] = []
        self._checkpoints = checkpoints
        self._observe = observe
        self._signal: int | None = None
        self._facts = {"threads": threads, "device": device, "host": platform.node()}

    def stop(self, signal: int) -> None:
        """Start no more trials and suspend the running ones at their epoch's end.

        Called from a signal handler, which may have interrupted the observer in mid-line: another thread
        tells it, and waits for its turn.
        """
        self._signal = signal
        threading.Thread(target=self._observe, args=(Stopping(signal),), daemon=True).start()

    @property
    def stopped_by(self) -> int | None:
        """The signal that asked for the end, if one did."""
        return self._signal

    @property
    def failing(self) -> list[Outcome]:
        """The failures that came in a row, when they are too many to go on."""
        return self._failed if len(self._failed) >= self._limits.failures else []

    def take(self) -> Trial | None:
        """The next trial, until the study has its total, the time is up or a signal came."""
        if self._signal is not None or self.failing or time.monotonic() >= self._limits.deadline:
            return None
        if self._study.exhausted or self._study.finished() + len(self._study.running) >= self._limits.total:
            return None
        trial = self._study.ask(self._facts)
        self._observe(Started(trial))
        return trial

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        prune = self._study.report(epoch)
        verdict = Verdict.STOP if prune else Verdict.GO if self._signal is None else Verdict.SUSPEND
        self._observe(Reported(epoch, verdict))
        return verdict

    def load(self, trial: int) -> bytes | None:
        """The trial's checkpoint, if an earlier run left one."""
        file = self._checkpoint(trial)
        return file.read_bytes() if file.exists() else None

    def save(self, trial: int, state: bytes) -> None:
        """Write a checkpoint whole or not at all."""
        write_whole(self._checkpoint(trial), state)

    def done(self, outcome: Outcome) -> None:
        """Record how a trial ended; one that goes on later keeps its checkpoint."""
        if not self._study.tell(outcome):
            self._observe(SetBack(outcome))
            return
        self._failed = [*self._failed, outcome] if outcome.state in (State.FAILED, State.LOST) else []
        self._checkpoint(outcome.trial).unlink(missing_ok=True)
        records = self._study.records()
        self._observe(Ended(outcome, records[outcome.trial], self._study.front(records)))

    def _checkpoint(self, trial: int) -> Path:
        return self._checkpoints / f"{trial}.pt"
