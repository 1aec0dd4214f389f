"""The ports between whoever runs trials and the driver, and what passes through them.

An engine sees a `Port`, an executor that serves many engines sees a `Dispatcher`. Everything that passes
is frozen, picklable and made of JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import torch


class State(enum.StrEnum):
    """How a trial ended, by cause. A member is the text that people and JSON read."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    FAILED = "failed"
    SUSPENDED = "suspended"
    LOST = "lost"


class Verdict(enum.Enum):
    """The driver's answer to an epoch."""

    GO = "go"
    STOP = "stop"
    SUSPEND = "suspend"


class WorkerState(enum.Enum):
    """What is known of a worker; that it trains follows from its trial."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Place:
    """Where trials train: the worker's name, its machine and device, and how many threads it computes with."""

    worker: str
    host: str
    device: str
    threads: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """What is laid down for a training, in place of what a validation split would decide while it trains.

    It ends after epoch `until`, whatever early stopping says. `rates` are pairs of an epoch and the learning rate from
    there on, the first of them at epoch 1, in place of a schedule that watches a metric; without any, the schedule
    stays.
    """

    until: int
    rates: tuple[tuple[int, float], ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """As the attributes of a trial, or the provenance of a config, have it."""
        return {"until": self.until, **({"rates": [list(pair) for pair in self.rates]} if self.rates else {})}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Fixed | None:
        """Read what `facts` gave, if it is there."""
        if facts.get("until") is None:
            return None
        return cls(facts["until"], tuple((epoch, rate) for epoch, rate in facts.get("rates") or ()))


@dataclass(frozen=True, slots=True)
class Trial:
    """One config to train, as the plain resolved document, every default in it.

    `attempt` fences off a worker thought dead; `seed` decides all of its chance. An `interrupted` one was training
    before, or died with its worker. `fixed` is of a confirming run alone. `before` are the epochs that earlier attempts
    of a function have reported.
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
        """How many epochs it trains at most, where it is not a function that trains."""
        planned = int(self.values["training"]["epochs"])
        return planned if self.fixed is None else min(planned, self.fixed.until)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch, counted from 1, gave: metrics by name (`train_loss` among them), and its seconds.

    Of `lanes` trials that train as one program each has its share of the time.
    """

    trial: int
    attempt: int
    epoch: int
    metrics: Mapping[str, float]
    seconds: float
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a trial ended.

    `values` holds one value per objective when complete, else nothing, and `violations` by how much each
    bound is broken; `epoch` is the epoch that they come from, or the one in which a trial that did not
    complete ended; `cause` says why, for its reader, and `traceback` is kept for an exception. A trial that was lost
    in `company` may have died of another one, which ran in the same process.
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
    """The way to the driver of one training."""

    def report(self, epoch: Epoch) -> Verdict:
        """Hand over an epoch and hear whether to go on."""
        ...

    def load(self, trial: int) -> bytes | None:
        """The checkpoint to go on from, if there is one."""
        ...

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Keep a checkpoint, in place of the trial's last, or of its `best` epoch's weights."""
        ...


class Port(TrialPort, Protocol):
    """An engine's only way to the driver; the engine pulls its work from here, and may hold several trials."""

    @property
    def closing(self) -> bool:
        """Whether trials that have not begun are to be given back, as suspended ones."""
        ...

    def take(self, wait: bool = True) -> Trial | None:
        """The next trial, or None when there is no more; if it is not to `wait`, when there is none at this moment."""
        ...

    def begin(self, trial: int) -> None:
        """Tell that a trial's code runs from now on, its building included: it may end this process."""
        ...

    def foresee(self) -> None:
        """Let the driver look for the next trial while this one trains; what is taken next is that one."""
        ...

    def done(self, outcome: Outcome) -> None:
        """Tell how a trial ended; the last word on it."""
        ...

    def note(self, text: str) -> None:
        """Tell the user something of how trials are trained."""
        ...


class Dispatcher(Protocol):
    """An executor's only way to the driver, for all of its workers; called from one thread."""

    @property
    def over(self) -> bool:
        """Whether there is no more work, and none will come back."""
        ...

    def next(self, place: Place, ahead: bool = False) -> Trial | None:
        """A trial for a worker that is free, or None when there is none at this moment.

        A worker that asks `ahead` has one already; it gets no more than the others can learn from.
        """
        ...

    def report(self, epoch: Epoch) -> Verdict:
        """Record an epoch and judge it."""
        ...

    def begin(self, trial: int) -> None:
        """Note that a trial's code runs from now on; one that was asked for by a worker without another has begun."""
        ...

    def verdict(self, trial: Trial) -> Verdict:
        """The latest verdict on a trial that was handed out."""
        ...

    def load(self, trial: int) -> bytes | None:
        """The checkpoint to go on from, if there is one."""
        ...

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Keep a checkpoint, as `Port.save` does."""
        ...

    def done(self, outcome: Outcome) -> object:
        """Record how a trial ended."""
        ...

    def log(self, trial: int) -> Path:
        """The file that keeps what a trial prints; its folder is there."""
        ...

    def note(self, text: str) -> None:
        """Tell the user something of how trials are trained."""
        ...

    def saw(self, worker: str, state: WorkerState, cause: str = "") -> None:
        """Take note of a worker's state; `cause` says why it is gone."""
        ...


Engine: TypeAlias = Callable[[Port], None]


@runtime_checkable
class Movable(Protocol):
    """An engine that can be put to work elsewhere."""

    @property
    def base(self) -> str:
        """The folder that own code is looked up from."""
        ...

    def at(self, device: torch.device, base: str) -> Engine:
        """The same on another device, with own code looked up from another folder."""
        ...

    def __call__(self, port: Port) -> None:
        """Run until the port has no more."""
        ...
