"""Check a space without training: what it spans, its data, its objective and its first config.

Heavy imports wait until something is built. The language alone is checked without torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tuner.config import DEFAULT_STORAGE, Config
from tuner.goal import Goal, Task, goal_of
from tuner.runtime.rounding import amount
from tuner.space import Space
from tuner.space.edit import Settings
from tuner.space.repair import random_config, share_that_holds
from tuner.space.tree import Row

if TYPE_CHECKING:
    from torch import nn

    from tuner.search.warm_start import WarmStartConfig, WarmStartConfigs
    from tuner.training import Run


@dataclass(frozen=True, slots=True)
class CheckedData:
    """The data of a space: the dataset's type, and the numbers of rows, with `folds` those of a fold."""

    type: str
    task: Task
    train_rows: int
    valid_rows: int
    folds: int = 1


@dataclass(frozen=True, slots=True)
class CheckedLayer:
    """A layer of a model, with the number of values that it trains; `name` is empty for the whole model."""

    name: str
    type: str
    parameters: int


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """The model of the first sampled config, with the shapes of a batch before and after it."""

    type: str
    parameters: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    device: str
    layers: tuple[CheckedLayer, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """A space that passed its check.

    Attributes:
        space: the space, as the settings changed it.
        goal: the objectives and bounds of its trials; None if nothing was built.
        data: the data; None if nothing was built, or code of the user trains.
        model: None in the same cases.
        notes: notes about the data and the model.
        warm_start: the configs that a run would begin with, the best first.
        left_out: why other configs of `search.warm_start` are not used.
        share: of random configs, those that keep all relations; None without relations.
    """

    space: Space
    goal: Goal | None = None
    data: CheckedData | None = None
    model: CheckedModel | None = None
    notes: tuple[str, ...] = ()
    warm_start: tuple[WarmStartConfig, ...] = ()
    left_out: tuple[str, ...] = ()
    share: float | None = None

    @property
    def parameters(self) -> list[Row]:
        """Every parameter that some trial may have, in the order of the file."""
        return self.space.parameters()

    @property
    def size(self) -> float:
        """The number of different configs; infinity if a range is continuous."""
        return self.space.size()

    def __repr__(self) -> str:
        told = f"{self.space.file}: study {self.space.name}, {amount(len(self.parameters), 'parameter')}"
        model = f"; {self.model.type} with {self.model.parameters:,} parameters" if self.model else ""
        return f"{told}; {self.goal or 'classes, arguments and shapes were not checked'}{model}"


def check(
    space: Space | str | Path,
    *,
    settings: Settings = (),
    device: str = "auto",
    build: bool = True,
    storage: str = DEFAULT_STORAGE,
) -> Checked:
    """Check a space without training anything.

    Args:
        space: a file, or a space.
        settings: values in place of those of the file, as for `run`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.
        build: whether to check classes, arguments and shapes. Each branch is then built at both ends of its ranges, and
            takes one step on a few rows. False checks the language only, and loads no torch.
        storage: the database, for a space with a warm start from a study.

    Returns:
        The parameters of the space, its data, its objective and its first sampled config.

    Raises:
        SpaceError: all faults of the space, each with its place.
        UsageError: the file cannot be read, a setting has no place in it, or there is no such device.

    Example:
        checked = tuner.check("search_spaces/cnn.yaml")
        print(checked.size, [row.name for row in checked.parameters])
        print(checked.model.parameters, checked.notes)
    """
    space = space.with_settings(settings) if isinstance(space, Space) else Space.load(space, settings)
    share = share_that_holds(space) if space.relations else None
    built = replace(_built(space, device) if build else Checked(space), share=share)
    known = _known(space, storage)
    if known is None:
        return built
    return replace(built, warm_start=known.configs, left_out=known.left_out)


def _known(space: Space, storage: str) -> WarmStartConfigs | None:
    if space.search.warm_start is None:
        return None
    from tuner.search.warm_start import known_configs

    return known_configs(space, storage)


def _built(space: Space, device: str) -> Checked:
    """Check classes and shapes, and describe the data, the objective and the first sampled config."""
    from tuner import preflight
    from tuner.final import save
    from tuner.training import device_of

    where = device_of(device)
    preflight.check_names(space)
    if space.objective.remote:
        return Checked(space, goal_of(space.objective, None))
    if space.objective.function is not None:
        _, goal = preflight.load_function(space)
        return Checked(space, goal)
    config = Config.of(random_config(space, 0), space.base)
    job = preflight.load_job(space, where)
    preflight.check_fit(space, job)
    run = preflight.probe(config, job)
    rows = run.dataset
    valid = 0 if rows.valid is None else len(rows.valid)
    data = CheckedData(config.data.source.type, rows.task, len(rows.train), valid, len(job.folds))
    model = _model_of(run, config.model.type, config.data.batch_size, str(job.device))
    return Checked(space, job.scores.goal, data, model, (*job.notes, *save.unsavable(space, job)))


def _model_of(run: Run, name: str, batch: int, device: str) -> CheckedModel:
    from tuner.models import count_parameters

    rows = run.dataset
    inputs, outputs = (batch, *rows.input_shape), (batch, rows.outputs)
    return CheckedModel(name, count_parameters(run.model), inputs, outputs, device, tuple(_layers(run.model)))


def _layers(model: nn.Module) -> Iterator[CheckedLayer]:
    """Yield the layers without inner layers."""
    for name, layer in model.named_modules():
        if not list(layer.children()):
            count = sum(each.numel() for each in layer.parameters() if each.requires_grad)
            yield CheckedLayer(name, type(layer).__name__, count)
