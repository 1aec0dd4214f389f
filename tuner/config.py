"""A config: a space with every hole filled, section by section, as types for builders.

Everything here is frozen, picklable and made of JSON values, so that a trial may run in any process.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from tuner.goal import Objective

Scalar: TypeAlias = bool | int | float | str | None


DEFAULT_STORAGE = "sqlite:///studies.db"
"""The default database: a file in the current folder."""


def and_storage(url: str) -> str:
    """Return what a command needs to find the same database: empty for the default one."""
    return "" if url == DEFAULT_STORAGE else f" --storage {shlex.quote(url)}"


FILE_VALUES = ("data.root", "data.test_root", "data.path", "data.test_path")
"""The values of a space that are paths."""

WARM_FILE = "search.warm_start.file"
"""A further path, which an exported config does not have."""

CODE_VALUES = ("data.type", "model.type", "objective.function", "search.sampler.type", "search.pruner.type")
"""Values of a space that may name a file of user code."""


WATCHING = ("ReduceLROnPlateau",)
"""The schedulers that watch the objective; without validation rows, recorded rates replace them."""


class On(enum.StrEnum):
    """The rows that train a final model."""

    ALL = "train+valid"
    TRAIN = "train"


class Loader(enum.Enum):
    """Where rows are kept: all on the device, or read batch by batch by other processes."""

    MEMORY = "memory"
    STREAM = "stream"


class Precision(enum.Enum):
    """The number format of a model's computation. Its weights are always float32."""

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
        """Read a resolved mapping: `type`, and all else as arguments; a bare name has none."""
        if isinstance(section, str):
            return cls(section)
        return cls(section["type"], {key: value for key, value in section.items() if key != "type"})


@dataclass(frozen=True, slots=True)
class Folds:
    """Cross-validation: `n` folds, at least 2, drawn `repeats` times. Each row validates once in each repeat."""

    n: int
    repeats: int = 1

    @property
    def count(self) -> int:
        """The number of folds of all repeats."""
        return self.n * self.repeats

    @classmethod
    def of(cls, section: Mapping[str, Any] | int | None) -> Folds | None:
        """Read `data.folds`."""
        if section is None or isinstance(section, int):
            return section if section is None else cls(section)
        return cls(section["n"], section.get("repeats", 1))


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a dataset, and their split.

    `valid` and `test` are a share in (0, 1) or a number of rows. `test` None is the dataset's own test split, else 0.2.
    With `folds` the validation rows are those of a fold, and `valid` is None.
    `source` names the dataset and its own arguments. `transforms` are for images, `tokenizer` is for text. `loader`
    None is memory if the rows fit, else streaming.
    """

    source: Component
    valid: float | int | None
    test: float | int | None
    batch_size: int
    transforms: tuple[Component, ...] = ()
    tokenizer: Component | None = None
    loader: Loader | None = None
    folds: Folds | None = None

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
            folds=Folds.of(section["folds"]),
        )


@dataclass(frozen=True, slots=True)
class Clip:
    """The largest gradients of a step: their common norm, or each value; None is no limit."""

    norm: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class EarlyStop:
    """Stop after `patience` epochs in which the objective improved by at most `min_delta`."""

    patience: int
    min_delta: float


@dataclass(frozen=True, slots=True)
class Training:
    """The settings of the training loop.

    A step of the optimizer takes `accumulate` batches. `ema` is the decay of the running mean of the weights, which is
    then scored and saved. `balanced` weights the loss so that every class counts equally. A trial trains from `seeds`
    seeds, and its metrics are the means over them.
    """

    epochs: int
    accumulate: int = 1
    precision: Precision = Precision.FP32
    clip: Clip = Clip()
    ema: float | None = None
    early_stop: EarlyStop | None = None
    balanced: bool = False
    seeds: int = 1

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
            seeds=section["seeds"],
        )


@dataclass(frozen=True, slots=True)
class Config:
    """A space with every hole filled: all settings of one trial.

    `loss` None is the task's default loss. `base` is the folder of relative paths and user code.
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
    """Return the component of a scheduler section; a list becomes a `SequentialLR`."""
    return Component("SequentialLR", {"schedulers": section}) if isinstance(section, list) else _optional(section)


def _optional(section: Mapping[str, Any] | None) -> Component | None:
    return None if section is None else Component.of(section)


STUDY_SECTIONS = ("provenance", "study", "search", "objective")
"""The sections that say how to search. Training reads none of them."""
