"""The port between whoever runs trials and the driver, and what passes through it.

Everything here is frozen, picklable and made of JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias


class State(enum.Enum):
    """How a trial ended, by cause."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    FAILED = "failed"
    SUSPENDED = "suspended"
    LOST = "lost"


class Verdict(enum.Enum):
    """The driver's answer to an epoch."""

    GO = "go"
    STOP = "stop"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Trial:
    """One config to train, as the plain resolved document, every default in it.

    `attempt` fences off a worker thought dead; `seed` decides all of its chance.
    """

    number: int
    attempt: int
    values: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch, counted from 1, gave: metrics by name (`train_loss` among them), and its seconds."""

    trial: int
    attempt: int
    epoch: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    `values` holds one value per objective when complete, else nothing, and `violations` by how much each
    bound is broken; `epoch` is the epoch that they come from, or the one in which a trial that did not
    complete ended; `cause` says why, for its reader, and `traceback` is kept for an exception.
    """

    trial: int
    attempt: int
    state: State
    values: tuple[float, ...] = ()
    epoch: int | None = None
    cause: str = ""
    traceback: str = ""
    violations: Mapping[str, float] = field(default_factory=dict)


class Port(Protocol):
    """An engine's only way to the driver; the engine pulls its work from here."""

    def take(self) -> Trial | None:
        """The next trial, or None when there is no more."""
        ...

    def report(self, epoch: Epoch) -> Verdict:
        """Hand over an epoch and hear whether to go on."""
        ...

    def load(self, trial: int) -> bytes | None:
        """The checkpoint to go on from, if there is one."""
        ...

    def save(self, trial: int, state: bytes) -> None:
        """Keep a checkpoint, in place of the trial's last."""
        ...

    def done(self, outcome: Outcome) -> None:
        """Tell how a trial ended; the last word on it."""
        ...


Engine: TypeAlias = Callable[[Port], None]
