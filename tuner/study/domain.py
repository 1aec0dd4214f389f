"""Domains: what a study draws a parameter from, and where in it a value lies on the parameter's own scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from tuner.config import Scalar


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers in [low, high], both included; `whole` ones alone, or any, those that `step` leads to if it is not 0."""

    low: float
    high: float
    log: bool
    whole: bool
    step: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether it holds more than one value."""
        return self.low < self.high

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one, in equal steps on a log scale where it is log."""
        if not self.varies:
            return 0.5
        low, high, at = (math.log(each) if self.log else each for each in (self.low, self.high, value))
        return (at - low) / (high - low)

    def value(self, place: float) -> float:
        """What lies at a place; not rounded."""
        if self.log:
            return math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        return self.low + place * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Choices:
    """One of several labels."""

    labels: tuple[Scalar, ...]

    @property
    def varies(self) -> bool:
        """Whether there is more than one."""
        return len(self.labels) > 1

    def place(self, value: Any) -> float:
        """The position of a label, counted from 0; true is not 1."""
        return [(type(label), label) for label in self.labels].index((type(value), value))


Domain: TypeAlias = Range | Choices


def domains(trials: Iterable[FrozenTrial]) -> dict[str, Domain]:
    """That of each parameter by its name, in the order in which trials first had them; the latest where it changed."""
    latest: dict[str, BaseDistribution] = {}
    for trial in trials:
        latest.update(trial.distributions)
    return {name: _domain(distribution) for name, distribution in latest.items()}


def _domain(distribution: BaseDistribution) -> Domain:
    if isinstance(distribution, CategoricalDistribution):
        return Choices(tuple(distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution), distribution
    whole = isinstance(distribution, IntDistribution)
    return Range(distribution.low, distribution.high, distribution.log, whole, distribution.step or 0.0)
