"""What users submit: spaces, changes and actions; and the answer of a check."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from tuner.service.schemas.shape import Answer, Body, Json
from tuner.service.schemas.study_shapes import MetricView, SlotsView
from tuner.service.schemas.trial_shapes import DifferenceView

HIGHEST_PRIORITY = 9
LARGEST_INT = 2**31 - 1

Workers: TypeAlias = Annotated[int, Field(ge=1, le=4096)] | Literal["auto"]
"""How many workers train; `auto` is as many as the server has room for."""

NAME = Field(default=None, min_length=1, max_length=200)
COUNT = Field(default=None, ge=1, le=LARGEST_INT)


class SpaceBody(Body):
    """A space with the files beside it, as on the command line. In a form, the files are parts of their own."""

    space: str = Field(max_length=2**20)
    """The YAML text."""
    file: str = Field(default="space.yaml", min_length=1, max_length=200)
    """The name of the space's file, for messages; its stem is the study's name if the text gives none."""
    files: dict[str, str] = Field(default_factory=dict, max_length=2000)
    """Text files beside the space, such as code, by their relative paths."""
    settings: dict[str, Json] = Field(default_factory=dict, max_length=1000)
    """Values in place of those of the file, by their paths, as `--set`."""
    name: str | None = NAME
    """The study's name, in place of `study.name`."""


class CheckBody(SpaceBody):
    """A space to check."""

    fork_of: str | None = NAME
    """The study that it would fork. The files beside its space are there too; those of the body come first."""


class SubmitBody(SpaceBody):
    """A study to be queued. What is left out comes from the space."""

    trials: int | None = COUNT
    """The study's total, in place of `search.trials`."""
    timeout: float | str | None = None
    """The time limit of each run: seconds, or text such as `10m`."""
    epochs: int | None = COUNT
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    keep: int | None = Field(default=None, ge=0, le=LARGEST_INT)
    """How many of the best trials keep their checkpoints."""
    workers: Workers | None = None
    threads: int | None = Field(default=None, ge=1, le=4096)
    """Threads of each worker."""
    workers_per_gpu: int | None = Field(default=None, ge=1, le=256)
    device: str = Field(default="auto", max_length=20)
    fuse: Annotated[int, Field(ge=2, le=4096)] | Literal["auto", "off"] = "auto"
    deterministic: int | None = Field(default=None, ge=1, le=LARGEST_INT)
    """The size of the batches in which trials are sampled; the seed alone then decides the study."""
    priority: int = Field(default=0, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)
    """Higher priorities start first."""


class PatchBody(Body):
    """Changes of a study; what is left out stays."""

    trials: int | None = COUNT
    """The study's total. A study that has it is done; a larger one queues it again."""
    timeout: float | str | None = None
    workers: Workers | None = None
    """A running study takes it at its next start."""
    priority: int | None = Field(default=None, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)


class ReasonBody(Body):
    """Why an action is taken."""

    reason: str = Field(default="", max_length=500)


class SteerBody(Body):
    """How a trial is steered."""

    undo: bool = False
    """For `ignore` alone: count the trial again."""


class ForkBody(SubmitBody):
    """A new study with all trials of another that still fit. Without a space it has that of the other."""

    space: str | None = Field(default=None, max_length=2**20)  # type: ignore[assignment]
    name: str = Field(min_length=1, max_length=200)
    """The name of the new study."""


class ConfirmBody(Body):
    """A confirmation. What is left out comes from `search.confirm` of the space."""

    top: int | None = COUNT
    """How many of the best trials are candidates."""
    seeds: int | None = Field(default=None, ge=2, le=LARGEST_INT)
    splits: bool | None = None
    """Whether each seed draws training and validation rows anew."""
    workers: Workers | None = None
    threads: int | None = Field(default=None, ge=1, le=4096)
    workers_per_gpu: int | None = Field(default=None, ge=1, le=256)
    device: str = Field(default="auto", max_length=20)
    priority: int = Field(default=0, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)


class TrainBody(Body):
    """A final training of a trial."""

    trial: int | None = Field(default=None, ge=0, le=LARGEST_INT)
    """The trial's number; without it the confirmed one, else the best."""
    on: Literal["train", "train+valid"] = "train+valid"
    test: bool | None = None
    """Whether to score the test rows; by default with `train+valid`."""
    device: str = Field(default="auto", max_length=20)
    priority: int = Field(default=0, ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY)


class ParameterView(Answer):
    """A parameter of a space."""

    name: str
    kind: Literal["float", "int", "choice"]
    low: float | None
    high: float | None
    step: float | None
    log: bool
    choices: list[str]
    """The labels of a choice."""
    range: str
    """Its range in words, as `tuner check` writes it."""
    when: str
    """On which values of other parameters it depends; empty if it is in each config."""


class DataView(Answer):
    """The data of a space."""

    type: str
    task: Literal["classification", "regression"]
    train_rows: int
    valid_rows: int
    folds: int
    """The number of folds, of all repeats, each of which has so many rows; 1 without folds."""


class LayerView(Answer):
    """A layer of a model; its name is empty for the whole model."""

    name: str
    type: str
    parameters: int


class BuiltModelView(Answer):
    """The model of the first sampled config, with the shapes of a batch."""

    type: str
    parameters: int
    inputs: list[int]
    outputs: list[int]
    device: str
    layers: list[LayerView]


class CheckView(Answer):
    """A space without faults."""

    study: str
    """The name that the study would have."""
    is_new: bool
    """Whether no study has that name yet."""
    trials: int
    metrics: list[MetricView]
    bounds: list[str]
    parameters: list[ParameterView]
    size: float | None
    """The number of different configs; null if a range is continuous."""
    samples: list[dict[str, Json]]
    """Three sampled configs with every default."""
    sample_differences: list[list[DifferenceView]]
    """How each sampled config differs from the first."""
    data: DataView | None
    """Null if a function of user code loads it."""
    model: BuiltModelView | None
    """Null if a function of user code builds it."""
    notes: list[str]
    warm_start: list[str]
    """The known configs that a run would begin with."""
    left_out: list[str]
    """Why other known configs are not used."""
    slots: SlotsView
    """What the study would occupy."""
