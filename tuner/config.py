"""The types that the layers hand to each other: configs, trials, epochs, outcomes and the port.

Everything here is frozen, picklable and made of JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


DEFAULT_STORAGE = "sqlite:///studies.db"
"""The database that is used when none is named: a file in the current folder."""


class Task(enum.Enum):
    """What a dataset asks of a model."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class On(enum.Enum):
    """Which rows a final model is trained on."""

    ALL = "train+valid"
    TRAIN = "train"


class Direction(enum.Enum):
    """Which way an objective gets better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    def better(self, value: float, than: float) -> bool:
        """Whether `value` is strictly better; NaN never is."""
        return value > than if self is Direction.MAXIMIZE else value < than


class Scope(enum.Enum):
    """Which epoch's value is the trial's."""

    BEST = "best"
    LAST = "last"


class State(enum.Enum):
    """How a trial ended, by cause."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    FAILED = "failed"
    SUSPENDED = "suspended"


class Verdict(enum.Enum):
    """The driver's answer to an epoch."""

    GO = "go"
    STOP = "stop"
    SUSPEND = "suspend"


@dataclass(frozen=True, slots=True)
class Component:
    """A class by its name and the keyword arguments that the config gives it."""

    type: str
    args: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Component:
        """Read a resolved mapping: `type`, and everything else as arguments."""
        return cls(section["type"], {key: value for key, value in section.items() if key != "type"})


@dataclass(frozen=True, slots=True)
class Data:
    """Which rows there are and how they are split.

    `valid` and `test` are a share in (0, 1) or a number of rows; `test` None means the dataset's own
    test split, or 0.2 where it has none. `source` names the dataset and its own arguments.
    """

    source: Component
    valid: float | int
    test: float | int | None
    batch_size: int

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Data:
        """Read the resolved `data` section."""
        own = {"valid", "test", "batch_size"}
        source = {key: value for key, value in section.items() if key not in own}
        return cls(Component.of(source), section["valid"], section["test"], section["batch_size"])


@dataclass(frozen=True, slots=True)
class Config:
    """A space with every hole filled: all that one trial is made from.

    `loss` None is the task's usual loss, `metric` None the task's usual metric, `direction` None the
    metric's own. `base` is the folder that relative paths and own code are looked up from.
    """

    data: Data
    model: Component
    loss: Component | None
    optimizer: Component
    scheduler: Component | None
    epochs: int
    metric: str | None
    direction: Direction | None
    scope: Scope
    base: str

    @classmethod
    def of(cls, document: Mapping[str, Any], base: str) -> Config:
        """Read a resolved document, every default in it."""
        objective = document["objective"]
        return cls(
            data=Data.of(document["data"]),
            model=Component.of(document["model"]),
            loss=_optional(document["loss"]),
            optimizer=Component.of(document["optimizer"]),
            scheduler=_optional(document["scheduler"]),
            epochs=document["training"]["epochs"],
            metric=objective["metric"],
            direction=Direction(objective["direction"]) if objective["direction"] else None,
            scope=Scope(objective["scope"]),
            base=base,
        )


def _optional(section: Mapping[str, Any] | None) -> Component | None:
    return None if section is None else Component.of(section)


@dataclass(frozen=True, slots=True)
class Trial:
    """One config to train. `attempt` fences off a worker thought dead; `seed` decides all of its chance."""

    number: int
    attempt: int
    config: Config
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

    `values` holds one value per objective when complete, else nothing; `epoch` is the epoch that the
    value comes from, or the one in which a trial that did not complete ended; `cause` says why, for
    its reader, and `traceback` is kept for an exception.
    """

    trial: int
    attempt: int
    state: State
    values: tuple[float, ...] = ()
    epoch: int | None = None
    cause: str = ""
    traceback: str = ""


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
