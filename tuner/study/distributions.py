"""Domains: the values of a parameter in a study, and the place of a value on the parameter's scale."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from tuner.config import Scalar
from tuner.space.scale import Scale
from tuner.space.tree import Choice, Float, Int, Parameter


@dataclass(frozen=True, slots=True)
class Range(Scale):
    """Numbers in [low, high], both included; only whole ones if `whole`; with a `step` above 0 only its multiples."""

    whole: bool
    step: float = 0.0

    @property
    def varies(self) -> bool:
        """Whether it has more than one value."""
        return self.low < self.high


@dataclass(frozen=True, slots=True)
class Choices:
    """One of several labels."""

    labels: tuple[Scalar, ...]

    @property
    def varies(self) -> bool:
        """Whether there is more than one label."""
        return len(self.labels) > 1

    def place(self, value: Any) -> float:
        """Return the position of a label, counted from 0; true is not 1."""
        return [(type(label), repr(label)) for label in self.labels].index((type(value), repr(value)))


Domain: TypeAlias = Range | Choices


def domains(trials: Iterable[FrozenTrial]) -> dict[str, Domain]:
    """Return the domain of each parameter by its name, in the order in which trials first had them.

    If another program changed a domain between trials, it covers all domains of its trials.
    """
    drawn: dict[str, list[BaseDistribution]] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            known = drawn.setdefault(name, [distribution])
            if known[-1] != distribution and distribution not in known:
                known.append(distribution)
    return {name: _domain(known) for name, known in drawn.items()}


def distribution_of(hole: Parameter) -> BaseDistribution:
    """Return a hole of a space as Optuna has it."""
    match hole:
        case Choice():
            return CategoricalDistribution(hole.labels)
        case Int(low, high, step, log):
            return IntDistribution(low, high, log=log, step=step)
        case Float(low, high, step, log):
            return FloatDistribution(low, high, log=log, step=step)


def label_of(value: Any) -> Scalar:
    """Return a value as a label: lists and mappings of another program become their JSON."""
    plain = value is None or isinstance(value, bool | int | float | str)
    return value if plain else json.dumps(value, ensure_ascii=False, default=repr)


def _domain(drawn: Sequence[BaseDistribution]) -> Domain:
    ranges = [each for each in drawn if isinstance(each, FloatDistribution | IntDistribution)]
    if len(ranges) < len(drawn):
        choices = [each for each in drawn if isinstance(each, CategoricalDistribution)]
        labels = [label_of(choice) for each in choices for choice in each.choices]
        return Choices(tuple({(type(label), repr(label)): label for label in labels}.values()))
    low, high = min(each.low for each in ranges), max(each.high for each in ranges)
    latest = ranges[-1]
    whole = all(isinstance(each, IntDistribution) for each in ranges)
    step = (latest.step or 0.0) if len(ranges) == 1 or whole else 0.0
    return Range(low, high, latest.log and low > 0, whole, step)
