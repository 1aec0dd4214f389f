"""Dimensions: the parameters of a tree as numbers, drawn and changed many at a time.

A config is a row. A number stands at its place in its range, from 0 to 1 on its scale. A label stands at its position.
NaN is a parameter that the config lacks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tuner.runtime.kinds import is_same
from tuner.space.scale import Scale

Floats: TypeAlias = npt.NDArray[np.float64]

CLOSE = 1e-9
"""Places this near are one."""

STEPS = (0.03, 0.1, 0.3)
"""Standard deviations of a change, as shares of a range."""

ANEW = 0.2
"""Probability that a change draws a number anew in its whole range."""

TWO = 0.4
"""Probability that two parameters change and not one."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A parameter: `when` maps others to the values with which a config has it; empty is always."""

    name: str
    distribution: BaseDistribution
    when: Mapping[str, Sequence[Any]] = field(default_factory=dict)


class _Places:
    """The places of a parameter's values. `levels` is their number, and 0 for a continuous range."""

    def __init__(self, distribution: BaseDistribution) -> None:
        self.labels: tuple[Any, ...] = ()
        self.step: float | None = None
        self.whole = isinstance(distribution, IntDistribution)
        if isinstance(distribution, CategoricalDistribution):
            self.labels = tuple(distribution.choices)
            self.levels, self.log, self.low, self.high = len(self.labels), False, 0.0, float(len(self.labels) - 1)
            return
        assert isinstance(distribution, IntDistribution | FloatDistribution), distribution
        self.low, self.high, self.log = float(distribution.low), float(distribution.high), distribution.log
        self.step = distribution.step
        self.levels = 0 if self.step is None else round((self.high - self.low) / self.step) + 1

    @property
    def is_grid(self) -> bool:
        """Whether the places of its numbers are at equal distances."""
        return bool(self.levels) and not self.log and not self.labels

    def place(self, value: Any) -> float:
        """Return the place of a value; true is not 1."""
        if self.labels:
            return float(next(i for i, label in enumerate(self.labels) if is_same(label, value)))
        return Scale(self.low, self.high, self.log).place(value)

    def value(self, place: float) -> Any:
        """Return the value at a place."""
        if self.labels:
            return self.labels[int(place)]
        found = float(self._values(np.array([place]))[0])
        return int(found) if self.whole else found

    def _values(self, places: Floats) -> Floats:
        if self.log:
            found = np.exp(np.log(self.low) + places * (np.log(self.high) - np.log(self.low)))
        else:
            found = self.low + places * (self.high - self.low)
        if self.whole and self.log:
            found = np.round(found)
        elif self.step is not None:
            found = self.low + self.step * np.round((found - self.low) / self.step)
        clipped: Floats = np.clip(found, self.low, self.high)
        return clipped

    def snapped(self, places: Floats) -> Floats:
        """Return the places of the nearest values."""
        places = np.clip(places, 0, 1)
        if not self.levels or self.labels or self.low == self.high:
            return places
        if self.is_grid:
            return np.round(places * (self.levels - 1)) / (self.levels - 1)
        low, high = np.log(self.low), np.log(self.high)
        found: Floats = (np.log(self._values(places)) - low) / (high - low)
        return found

    def drawn(self, uniform: Floats) -> Floats:
        """Return places drawn by uniform numbers in [0, 1); each value of a grid is equally likely."""
        if self.labels:
            return np.minimum(np.floor(uniform * self.levels), self.levels - 1)
        if self.low == self.high:
            return np.full_like(uniform, 0.5)
        if self.is_grid:
            return np.minimum(np.floor(uniform * self.levels), self.levels - 1) / (self.levels - 1)
        if not self.levels:
            return uniform
        low, high = np.log(self.low), np.log(self.high)  # of whole numbers, each has the room up to its neighbours
        first, last = np.log(self.low - 0.5), np.log(self.high + 0.5)
        return self.snapped((first + uniform * (last - first) - low) / (high - low))

    def changed(self, places: Floats, chance: np.random.Generator) -> Floats:
        """Return other places, near ones more often than far ones."""
        fresh = self.drawn(chance.random(len(places)))
        if self.labels:
            others = np.minimum(np.floor(chance.random(len(places)) * (self.levels - 1)), max(self.levels - 2, 0))
            return others + (others >= places) if self.levels > 1 else places
        moves = chance.normal(size=len(places)) * chance.choice(STEPS, len(places))
        near = self.snapped(places + moves)
        if self.is_grid and self.levels > 1:  # at least one step
            stuck = np.abs(near - places) < CLOSE
            near = np.where(stuck, self.snapped(places + np.sign(moves) / (self.levels - 1)), near)
        return np.where(chance.random(len(places)) < ANEW, fresh, near)


class Dimensions:
    """The parameters of a tree, each after those that it depends on.

    Args:
        dimensions: at least one.
    """

    def __init__(self, dimensions: Sequence[Dimension]) -> None:
        self._all = dimensions
        self._scales = [_Places(each.distribution) for each in dimensions]
        number = {each.name: i for i, each in enumerate(dimensions)}
        self._needs = [
            [(number[name], [self._scales[number[name]].place(value) for value in values]) for name, values in needs]
            for needs in (each.when.items() for each in dimensions)
        ]
        widths = [len(scale.labels) or 1 for scale in self._scales]
        self.owners: npt.NDArray[np.int64] = np.repeat(np.arange(len(dimensions)), widths)
        """(F,): the dimension of each feature."""

    def __len__(self) -> int:
        return len(self._all)

    def configs(self, params: Sequence[Mapping[str, Any]]) -> Floats:
        """Return the rows of some configs, (N, D)."""
        found = np.full((len(params), len(self._all)), np.nan)
        for row, given in enumerate(params):
            for i, (each, scale) in enumerate(zip(self._all, self._scales, strict=True)):
                if each.name in given:
                    found[row, i] = scale.place(given[each.name])
        return found

    def params(self, config: Floats) -> dict[str, Any]:
        """Return the parameters of a row, (D,)."""
        return {
            each.name: scale.value(place)
            for each, scale, place in zip(self._all, self._scales, config.tolist(), strict=True)
            if not math.isnan(place)
        }

    def drawn(self, count: int, chance: np.random.Generator) -> Floats:
        """Draw configs, (N, D)."""
        return self._cut(self._drawn_everywhere(count, chance))

    def changed(self, configs: Floats, chance: np.random.Generator) -> Floats:
        """Change one or two parameters of each config, (N, D); parameters that appear are drawn."""
        count, there = len(configs), ~np.isnan(configs)
        keys = np.where(there, chance.random(configs.shape), np.inf)
        order = np.argsort(keys, axis=1)
        chosen = np.zeros(configs.shape, dtype=bool)
        rows = np.arange(count)
        chosen[rows, order[:, 0]] = True
        if len(self._all) > 1:
            second = chance.random(count) < TWO
            chosen[rows[second], order[second, 1]] = True
        fresh = self._drawn_everywhere(count, chance)
        found = np.where(there, configs, fresh)
        for i, scale in enumerate(self._scales):
            rows = np.flatnonzero(chosen[:, i] & there[:, i])
            found[rows, i] = scale.changed(found[rows, i], chance)
        return self._cut(found)

    def _drawn_everywhere(self, count: int, chance: np.random.Generator) -> Floats:
        """Draw a value of each parameter, also of those that a config lacks, (N, D)."""
        uniform = chance.random((count, len(self._all)))
        return np.column_stack([scale.drawn(uniform[:, i]) for i, scale in enumerate(self._scales)])

    def _cut(self, configs: Floats) -> Floats:
        """Take away the parameters that a config lacks by its labels and lengths."""
        for i, needs in enumerate(self._needs):
            for parent, places in needs:
                has = (np.abs(configs[:, parent, None] - np.array(places)) < CLOSE).any(axis=1)
                configs[~has, i] = np.nan
        return configs

    def features(self, configs: Floats) -> Floats:
        """Return configs as points, (N, F), whose distances the kernel takes.

        Two labels are at distance 1. A parameter that a config lacks stands in the middle of its values.
        """
        columns = []
        for i, scale in enumerate(self._scales):
            places = configs[:, i]
            absent = np.isnan(places)
            if not scale.labels:
                columns.append(np.where(absent, 0.5, places)[:, None])
                continue
            one_hot = np.full((len(configs), len(scale.labels)), 1 / len(scale.labels))
            one_hot[~absent] = 0
            one_hot[np.flatnonzero(~absent), places[~absent].astype(int)] = 1
            columns.append(one_hot / math.sqrt(2))
        return np.hstack(columns)
