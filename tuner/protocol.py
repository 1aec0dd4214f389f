"""The ports between engines, executors and the driver, and the messages on them.

An engine sees a `Port`, an executor of many engines sees a `Dispatcher`. All messages are frozen, picklable and made of
JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import torch

AHEAD = Fraction(1, 3)
"""Maximum share of a study that runs at once where trials learn from others: trials asked for ahead learn nothing."""


DEVIATION = "_std"
"""The ending of a metric's name that makes that of its standard deviation over folds and seeds."""


class State(enum.StrEnum):
    """The end of a trial, by cause. A member is the text for readers and JSON."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    FAILED = "failed"
    SUSPENDED = "suspended"
    LOST = "lost"


class Verdict(enum.StrEnum):
    """The driver's answer to an epoch."""

    GO = "go"
    STOP = "stop"
    SUSPEND = "suspend"


class WorkerState(enum.StrEnum):
    """The state of a worker; whether it trains follows from its trial."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a trial trains: the worker's name, its machine and device, and its number of threads."""

    worker: str
    host: str
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """Settings of a training that replace decisions by a validation split.

    It ends after epoch `until`, without early stopping. `rates` are pairs of an epoch and the learning rate from it on,
    the first at epoch 1. They replace a schedule that watches a metric; without any, the schedule stays.
    """

    until: int
    rates: tuple[tuple[int, float], ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """The settings as attributes of a trial, or in the provenance of a config."""
        return {"until": self.until, **({"rates": [list(pair) for pair in self.rates]} if self.rates else {})}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Fixed | None:
        """Read the settings from such attributes; None without any."""
        if facts.get("until") is None:
            return None
        return cls(facts["until"], tuple((epoch, rate) for epoch, rate in facts.get("rates") or ()))


@dataclass(frozen=True, slots=True)
class Trial:
    """One config to train, as the plain resolved document with every default.

    `attempt` excludes a worker that is wrongly thought dead. `seed` decides everything random. An `interrupted` trial
    was training before, or died with its worker. `fixed` belongs to confirming runs alone. `before` are the epochs that
    earlier attempts of a function reported.
    """

    number: int
    attempt: int
    values: Mapping[str, Any]
    seed: int
    interrupted: bool = False
    fixed: Fixed | None = None
    before: tuple[Epoch, ...] = ()

    @property
    def epochs(self) -> int:
        """The largest number of epochs, unless a function trains."""
        planned = int(self.values["training"]["epochs"])
        return planned if self.fixed is None else min(planned, self.fixed.until)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The result of one epoch, counted from 1: metrics by name (with `train_loss`), and its seconds.

    Each of `lanes` trials that train as one program has its share of the time.
    """

    trial: int
    attempt: int
    epoch: int
    metrics: Mapping[str, float]
    seconds: float
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a trial.

    `values` has one value per objective if the trial is complete, else none. `violations` has the amount by which each
    bound is broken. `epoch` is the epoch of these values, or the last one of an incomplete trial. `cause` is the reason
    for readers, and `traceback` is that of an exception. A trial that was lost in `company` may have died of another
    trial in its process.
    """

    trial: int
    attempt: int
    state: State
    values: tuple[float, ...] = ()
    epoch: int | None = None
    cause: str = ""
    traceback: str = ""
    violations: Mapping[str, float] = field(default_factory=dict)
    company: bool = False


class TrialPort(Protocol):
    """The connection of one training to the driver."""

    def report(self, epoch: Epoch) -> Verdict:
        """Report an epoch and return whether to go on."""
        ...

    def load(self, trial: int) -> bytes | None:
        """Return the checkpoint to resume from, if there is one."""
        ...

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Save a checkpoint, in place of the trial's last one, or of its `best` epoch's weights."""
        ...


class Port(TrialPort, Protocol):
    """An engine's only connection to the driver; the engine pulls its trials from it, and may hold several."""

    @property
    def closing(self) -> bool:
        """Whether trials that have not begun must be given back, as suspended ones."""
        ...

    def take(self, wait: bool = True) -> Trial | None:
        """Return the next trial; None if there are no more, or without `wait` if there is none now."""
        ...

    def begin(self, trial: int) -> None:
        """Report that a trial's code runs from now on, also while it is built: it may end this process."""
        ...

    def foresee(self) -> None:
        """Let the driver look for the next trial while this one trains; `take` then returns that one."""
        ...

    def done(self, outcome: Outcome) -> None:
        """Report the outcome of a trial, which is its last message."""
        ...

    def note(self, text: str) -> None:
        """Send the user a note on how trials are trained."""
        ...


class Dispatcher(Protocol):
    """An executor's only connection to the driver, for all of its workers; called from one thread."""

    @property
    def over(self) -> bool:
        """Whether there is no more work, and none will come back."""
        ...

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """Return a trial for a free worker; None if there is none now.

        A worker that asks `ahead` has one already; it gets no more than the others can learn from.
        """
        ...

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        ...

    def begin(self, trial: int) -> None:
        """Record that a trial's code runs from now on; a trial of a worker without another has begun."""
        ...

    def verdict(self, trial: Trial) -> Verdict:
        """Return the latest verdict on a trial."""
        ...

    def load(self, trial: int) -> bytes | None:
        """Return the checkpoint to resume from, if there is one."""
        ...

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Save a checkpoint, like `Port.save`."""
        ...

    def done(self, outcome: Outcome) -> object:
        """Record the outcome of a trial."""
        ...

    def log(self, trial: int) -> Path:
        """Return the file for a trial's output; its folder exists."""
        ...

    def note(self, text: str) -> None:
        """Send the user a note on how trials are trained."""
        ...

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Record a worker's state; `cause` is the reason of its end."""
        ...


Engine: TypeAlias = Callable[[Port], None]


@runtime_checkable
class Movable(Protocol):
    """An engine that can be moved to another place."""

    @property
    def base(self) -> str:
        """The folder of user code."""
        ...

    def at(self, device: torch.device, base: str) -> Engine:
        """Return the same engine on another device, with user code from another folder."""
        ...

    def __call__(self, port: Port) -> None:
        """Run until the port has no more trials."""
        ...
