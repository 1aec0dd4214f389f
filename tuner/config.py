"""The types that the layers hand to each other: configs, trials, epochs, outcomes and the port.

Everything here is frozen, picklable and made of JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeAlias

Scalar: TypeAlias = bool | int | float | str | None


DEFAULT_STORAGE = "sqlite:///studies.db"
"""The database that is used when none is named: a file in the current folder."""


FILE_VALUES = ("data.root", "data.test_root", "data.path", "data.test_path")
"""The values of a space that are paths."""

CODE_VALUES = ("data.type", "model.type", "objective.function")
"""The values of a space that may name a file of one's own code."""


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


class Loader(enum.Enum):
    """Where rows wait for the model: all on the device, or read batch by batch by other processes."""

    MEMORY = "memory"
    STREAM = "stream"


class Precision(enum.Enum):
    """The type of numbers that a model computes with; its weights are float32 all the same."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


@dataclass(frozen=True, slots=True)
class Component:
    """A class by its name and the keyword arguments that the config gives it."""

    type: str
    args: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Mapping[str, Any] | str) -> Component:
        """Read a resolved mapping: `type`, and everything else as arguments; a bare name has none."""
        if isinstance(section, str):
            return cls(section)
        return cls(section["type"], {key: value for key, value in section.items() if key != "type"})


@dataclass(frozen=True, slots=True)
class Data:
    """Which rows there are and how they are split.

    `valid` and `test` are a share in (0, 1) or a number of rows; `test` None means the dataset's own
    test split, or 0.2 where it has none. `source` names the dataset and its own arguments; `transforms`
    are of images, `tokenizer` is of text. `loader` None is whichever fits the memory.
    """

    source: Component
    valid: float | int
    test: float | int | None
    batch_size: int
    transforms: tuple[Component, ...] = ()
    tokenizer: Component | None = None
    loader: Loader | None = None

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Data:
        """Read the resolved `data` section."""
        own = {field.name for field in fields(cls)}
        return cls(
            source=Component.of({key: value for key, value in section.items() if key not in own}),
            valid=section["valid"],
            test=section["test"],
            batch_size=section["batch_size"],
            transforms=tuple(Component.of(transform) for transform in section["transforms"]),
            tokenizer=_optional(section["tokenizer"]),
            loader=Loader(section["loader"]) if section["loader"] else None,
        )


@dataclass(frozen=True, slots=True)
class Clip:
    """How far a step's gradients may reach: their common norm, or each value; None is no limit."""

    norm: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """End after `patience` epochs in which the objective got better by no more than `min_delta`."""

    patience: int
    min_delta: float


@dataclass(frozen=True, slots=True)
class Training:
    """The loop.

    A step of the optimizer takes `accumulate` batches. `ema` is the decay of the running mean of the
    weights, which is then what is scored and saved; `balanced` weighs the classes alike in the loss.
    """

    epochs: int
    accumulate: int = 1
    precision: Precision = Precision.FP32
    clip: Clip = Clip()
    ema: float | None = None
    early_stop: EarlyStop | None = None
    balanced: bool = False

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Training:
        """Read the resolved `training` section."""
        clip, stop = section["clip"], section["early_stop"]
        return cls(
            epochs=section["epochs"],
            accumulate=section["accumulate"],
            precision=Precision(section["precision"]),
            clip=Clip(**clip) if isinstance(clip, Mapping) else Clip(norm=clip),
            ema=section["ema"],
            early_stop=EarlyStop(stop["patience"], stop.get("min_delta", 0.0)) if stop else None,
            balanced=section["class_weights"] == "balanced",
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """What a metric must keep to: at least `low`, at most `high`; None leaves that side open."""

    metric: str
    low: float | None
    high: float | None

    def violation(self, value: float) -> float:
        """How far `value` lies outside; inside and at the bound it is 0 or less."""
        below = -math.inf if self.low is None else self.low - value
        above = -math.inf if self.high is None else value - self.high
        return max(below, above)

    def __str__(self) -> str:
        sides = (("at least", self.low), ("at most", self.high))
        return f"{self.metric} " + " and ".join(f"{word} {end:g}" for word, end in sides if end is not None)


@dataclass(frozen=True, slots=True)
class Objective:
    """What counts, as the file says it.

    No `metrics` means the task's usual one, no `directions` each metric's own; `function` is training
    code of one's own, which then gives the metrics.
    """

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    scope: Scope
    bounds: tuple[Bound, ...]
    function: str | None

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Objective:
        """Read the resolved `objective` section."""
        constraints: Mapping[str, Mapping[str, float]] = section["constraints"] or {}
        return cls(
            metrics=_one_or_several(section["metric"], section["metrics"]),
            directions=tuple(map(Direction, _one_or_several(section["direction"], section["directions"]))),
            scope=Scope(section["scope"]),
            bounds=tuple(Bound(name, ends.get("min"), ends.get("max")) for name, ends in constraints.items()),
            function=section["function"],
        )


def _one_or_several(one: str | None, several: list[str] | None) -> tuple[str, ...]:
    return (one,) if one is not None else tuple(several or ())


@dataclass(frozen=True, slots=True)
class Goal:
    """What the trials of a study are compared by: at least one metric, each with its direction."""

    metrics: tuple[str, ...]
    directions: tuple[Direction, ...]
    scope: Scope
    bounds: tuple[Bound, ...]

    @property
    def single(self) -> bool:
        """Whether there is one objective, and so a best trial; several have a front."""
        return len(self.metrics) == 1

    @property
    def metric(self) -> str:
        """The first or only metric."""
        return self.metrics[0]

    @property
    def direction(self) -> Direction:
        """The direction of the first or only metric."""
        return self.directions[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All that a trial must tell of itself: the metrics and what is bounded."""
        return tuple(dict.fromkeys([*self.metrics, *(bound.metric for bound in self.bounds)]))

    def path(self, name: str) -> str:
        """Where in a config one of `names` stands."""
        if name not in self.metrics:
            return f"objective.constraints.{name}"
        return "objective.metric" if self.single else f"objective.metrics.{self.metrics.index(name)}"

    def values(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """The value of each objective."""
        return tuple(metrics[name] for name in self.metrics)

    def violations(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """By how much each bound is broken; all are kept where none is above 0."""
        return {bound.metric: bound.violation(metrics[bound.metric]) for bound in self.bounds}

    def __str__(self) -> str:
        pairs = zip(self.metrics, self.directions, strict=True)
        return "; ".join(f"{metric}, to {direction.value}" for metric, direction in pairs)


@dataclass(frozen=True, slots=True)
class Config:
    """A space with every hole filled: all that one trial is made from.

    `loss` None is the task's usual loss. `base` is the folder that relative paths and own code are
    looked up from.
    """

    data: Data
    model: Component
    loss: Component | None
    optimizer: Component
    scheduler: Component | None
    training: Training
    objective: Objective
    base: str

    @classmethod
    def of(cls, document: Mapping[str, Any], base: str) -> Config:
        """Read a resolved document, every default in it."""
        return cls(
            data=Data.of(document["data"]),
            model=Component.of(document["model"]),
            loss=_optional(document["loss"]),
            optimizer=Component.of(document["optimizer"]),
            scheduler=_scheduler(document["scheduler"]),
            training=Training.of(document["training"]),
            objective=Objective.of(document["objective"]),
            base=base,
        )


def _scheduler(section: Mapping[str, Any] | list[Any] | None) -> Component | None:
    """A list of schedulers is one after the other."""
    return Component("SequentialLR", {"schedulers": section}) if isinstance(section, list) else _optional(section)


def _optional(section: Mapping[str, Any] | None) -> Component | None:
    return None if section is None else Component.of(section)


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
