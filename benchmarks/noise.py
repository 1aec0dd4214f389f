"""Studies of pure noise, and studies that one parameter decides.

In at most 5 % of noise studies some parameter may be told from chance, and in at most 5 % some bound may be one to
widen. A decisive parameter must be named first in at least 95 %: an optimum inside a range, a slope, a label.
`python -m benchmarks.honest` prints what it finds.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import optuna

from benchmarks.verdicts import FALSE, FIRST, Share
from tuner.plots.base import losses
from tuner.results.importances import TREES, importances_of
from tuner.results.regions import regions
from tuner.study import Study, sound

SEARCHED: Mapping[str, optuna.distributions.BaseDistribution] = {
    "a": optuna.distributions.FloatDistribution(0, 1),
    "rate": optuna.distributions.FloatDistribution(1e-5, 1, log=True),
    "width": optuna.distributions.IntDistribution(1, 8),
    "kind": optuna.distributions.CategoricalDistribution(["a", "b", "c"]),
    "other": optuna.distributions.FloatDistribution(0, 1),
    "decay": optuna.distributions.FloatDistribution(1e-6, 0.1, log=True),
    "flag": optuna.distributions.CategoricalDistribution([True, False]),
    "last": optuna.distributions.FloatDistribution(0, 1),
}
DECIDED: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "": lambda params: 0.0,
    "a": lambda params: (params["a"] - 0.7) ** 2 / 0.127,
    "rate": lambda params: -math.log10(params["rate"]) / 1.44,
    "kind": lambda params: "abc".index(params["kind"]) / 0.8,
}
"""By the decisive parameter, what it makes of a trial: about 1 in standard deviation; none is noise."""

NAMES = {"a": "an optimum inside a range", "rate": "a slope", "kind": "a label"}
"""What each decisive parameter is an example of."""

NOISE = 0.5
"""The standard deviation of what is added to it."""


def study_of(decisive: str, sampler: str, trials: int, seed: int) -> Study:
    """Make a study by TPE, or at random."""
    made = {"tpe": lambda: optuna.samplers.TPESampler(seed=seed, group=True)}
    study = optuna.create_study(sampler=made.get(sampler, lambda: optuna.samplers.RandomSampler(seed=seed))())
    chance = random.Random(seed)
    for _ in range(trials):
        trial = study.ask(dict(SEARCHED))
        study.tell(trial, DECIDED[decisive](trial.params) + NOISE * chance.gauss(0, 1))
    return Study(study)


ONE_TREE = 1
"""Trees of the forest for studies of noise: its shares are not looked at, and a forest takes most of the time."""


@dataclass(frozen=True, slots=True)
class Told:
    """What some trials name: the parameter that they rank first, whether any is told from chance, and any bound."""

    first: str
    any_parameter: bool
    any_bound: bool


def told_by(decisive: str, sampler: str, counts: Sequence[int], seed: int) -> list[Told]:
    """Make a study of the greatest of the counts, and return what its first trials name, by count."""
    study = study_of(decisive, sampler, max(counts), seed)
    return [_told(study, count, TREES if decisive else ONE_TREE) for count in counts]


def _told(study: Study, count: int, trees: int) -> Told:
    chosen = sound(study.records())[:count]
    ranked = importances_of(study, study.domains(), chosen, trees=trees).ranked
    bounds = regions(chosen, study.domains(), losses(study.goal, 0))
    return Told(ranked[0].name, any(each.told for each in ranked), any(each.advice for each in bounds))


def shares(noise: int, decided: int, counts: Sequence[int], pool: Executor) -> Iterator[Share]:
    """Find what is promised of importances and regions, a share each.

    Args:
        noise: how many studies of noise by each sampler.
        decided: how many of each kind that one parameter decides.
        counts: of trials; smaller ones are the first trials of the largest.
        pool: the processes that make the studies.
    """
    kinds = [decisive for decisive in DECIDED if (decided if decisive else noise)]
    for decisive, sampler in itertools.product(kinds, ("random", "tpe")):
        studies = range(decided if decisive else noise)
        made = list(pool.map(told_by, *map(itertools.repeat, (decisive, sampler, counts)), studies))
        for count, found in zip(counts, zip(*made, strict=True), strict=True):
            yield from _shares(f"{count} trials, {sampler}", decisive, found)


def _shares(of: str, decisive: str, found: Sequence[Told]) -> Iterator[Share]:
    if decisive:
        yield Share(
            f"{of}: {NAMES[decisive]} is named first", sum(e.first == decisive for e in found), len(found), FIRST
        )
    else:
        yield Share(f"{of}: noise names a parameter", sum(each.any_parameter for each in found), len(found), FALSE)
        yield Share(f"{of}: noise names a bound to widen", sum(each.any_bound for each in found), len(found), FALSE)
