"""Bayesian optimization over a tree of parameters, by a Gaussian process and the expected improvement."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.runtime.kinds import is_number, is_same
from tuner.study.tree_gp.dimensions import Dimension, Dimensions

Floats: TypeAlias = npt.NDArray[np.float64]

MOST_KNOWN = 250
"""Number of trials that it learns from: the better half, and the latest others."""

FIRST_DRAWN = 64
"""Number of configs among which the first trials take the one that is farthest from all others."""

DRAWN = 200
"""Number of configs that are drawn from the whole space for each trial."""

BEST, CHANGES = 5, 40
"""Number of best trials around which configs are looked at, and of changes to each."""

CLIMBS, CLIMBERS, STEPS = 2, 8, 10
"""Number of times that the most promising configs are changed further, of such configs, and of changes to each."""

SAME = 1e-12
"""Relative difference of values that counts as none, because of rounding."""

BLEND = 0.05
"""Share of the plain sum in a blend of several objectives, beside their largest."""


class TreeGPSampler(BaseSampler):
    """Choose the config whose expected improvement is the largest, among drawn and changed ones.

    Its kernel compares whole configs. A parameter that a config lacks stands in the middle of its range there. The
    label or length that decides about it is a parameter of its own. So a branch's rate is chosen by all that is known
    of that branch, and shared parameters by all trials.

    Trials that run count with the values that are expected of them. Those that a pruner stopped count with their last
    value, but not as better than the median. Configs that break a constraint count as worse than all others. Values far
    above the median are drawn in. No config is chosen twice while others are left. Several objectives are blended with
    weights of each trial's own (Knowles, "ParEGO", IEEE TEVC 2006).

    Args:
        seed: decides everything random; None takes one from the system.
        n_startup_trials: number of first trials that are spread over the space, at least 1; at most 250 count.
        dimensions: the parameters in the order of the tree; None takes those that all trials have, as Optuna's
            `GPSampler` does. Any other parameter is drawn at random.

    Raises:
        ValueError: `n_startup_trials` is below 1.
    """

    def __init__(
        self, *, seed: int | None = None, n_startup_trials: int = 8, dimensions: Sequence[Dimension] | None = None
    ) -> None:
        if n_startup_trials < 1:
            raise ValueError(f"n_startup_trials is {n_startup_trials}: it must be at least 1")
        self._random = np.random.default_rng(seed)
        self._others = RandomSampler(seed)
        self._startup = n_startup_trials
        self._dimensions = dimensions
        self._common = IntersectionSearchSpace()

    def reseed_rng(self) -> None:
        """Draw other numbers from now on, as each thread of `study.optimize` must."""
        self._random = np.random.default_rng()
        self._others.reseed_rng()

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters that are chosen together, by their names."""
        if self._dimensions is not None:
            return {each.name: each.distribution for each in self._dimensions}
        return self._common.calculate(study)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the chosen config: the values of the parameters that it has."""
        given = self._dimensions
        if given is None:
            given = [Dimension(name, distribution) for name, distribution in search_space.items()]
        if not given:
            return {}
        dimensions = Dimensions(given)
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = [each for each in study.get_trials(deepcopy=False, states=states) if each.number != trial.number]
        begun = [each for each in trials if each.state is TrialState.RUNNING]
        running = dimensions.configs([each.params for each in begun if _fits(each, search_space)])
        ended = [each for each in trials if each.state is not TrialState.RUNNING]
        losses = self._losses(study, ended)
        known = _known(losses, lambda i: _fits(ended[i], search_space))
        configs = dimensions.configs([ended[i].params for i in known])
        if len(known) < min(self._startup, MOST_KNOWN):
            chosen = self._spread(dimensions, np.vstack([configs, running]))
        else:
            chosen = self._promising(dimensions, configs, losses[known], running)
        return dimensions.params(chosen)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a random value of a parameter that is not chosen with the others."""
        return self._others.sample_independent(study, trial, param_name, param_distribution)

    def _spread(self, dimensions: Dimensions, there: Floats) -> Floats:
        """Return the config that is farthest from all others, of some that are drawn."""
        drawn, farthest = _unlike(dimensions.drawn(FIRST_DRAWN, self._random), there), 0
        if len(there):
            others = dimensions.features(there)
            nearest = [((others - point) ** 2).sum(1).min() for point in dimensions.features(drawn)]
            farthest = int(np.argmax(nearest))
        chosen: Floats = drawn[farthest]
        return chosen

    def _promising(self, dimensions: Dimensions, configs: Floats, losses: Floats, running: Floats) -> Floats:
        """Return the config with the largest expected improvement, of those that are drawn and changed."""
        from tuner.study.tree_gp.acquisition import log_improvement  # scipy loads for as long as a command takes
        from tuner.study.tree_gp.surrogate import GaussianProcess

        values = _drawn_in(losses)
        process = GaussianProcess(dimensions.features(configs), values, dimensions.owners)
        process.believe(dimensions.features(running))
        there, best = np.vstack([configs, running]), float(values.min())

        def promise(candidates: Floats) -> Floats:
            return log_improvement(*process.predict(dimensions.features(candidates)), best)

        leaders = configs[np.argsort(values, kind="stable")[:BEST]]
        changed = dimensions.changed(np.repeat(leaders, CHANGES, axis=0), self._random)
        candidates = _unlike(np.vstack([dimensions.drawn(DRAWN, self._random), changed]), there)
        promises = promise(candidates)
        for _ in range(CLIMBS):
            climbers = candidates[np.argsort(-promises, kind="stable")[:CLIMBERS]]
            further = _unlike(dimensions.changed(np.repeat(climbers, STEPS, axis=0), self._random), there)
            candidates, promises = np.vstack([candidates, further]), np.append(promises, promise(further))
        chosen: Floats = candidates[int(np.argmax(promises))]
        return chosen

    def _losses(self, study: optuna.Study, ended: Sequence[FrozenTrial]) -> Floats:
        """Return what is minimized, a number for each ended trial; infinity is worse than all others."""
        signs = [-1.0 if each is StudyDirection.MAXIMIZE else 1.0 for each in study.directions]
        found = np.array([_values(each, signs) for each in ended]).reshape(len(ended), len(signs))
        found[~np.isfinite(found)] = np.inf
        losses = found[:, 0] if len(signs) == 1 else self._blended(found)
        pruned = np.array([each.state is TrialState.PRUNED for each in ended], dtype=bool)
        complete = losses[~pruned & np.isfinite(losses)]
        if len(complete):
            losses = np.where(pruned, np.maximum(losses, np.median(complete)), losses)
        broken = np.array([any(bound > 0 for bound in each.constraints.values()) for each in ended], dtype=bool)
        return np.where(broken, np.inf, losses)

    def _blended(self, found: Floats) -> Floats:
        """Return one loss of several objectives, which this trial weights at random."""
        weights = self._random.dirichlet(np.ones(found.shape[1]))
        finite = np.isfinite(found).all(axis=1)
        if not finite.any():
            return np.full(len(found), np.inf)
        low, high = found[finite].min(0), found[finite].max(0)
        parts = weights * (found - low) / np.where(high > low, high - low, 1.0)
        blended: Floats = parts.max(axis=1) + BLEND * parts.sum(axis=1)
        return blended


def _fits(trial: FrozenTrial, search_space: Mapping[str, BaseDistribution]) -> bool:
    """Return whether a trial has parameters, and all of their values are in the space."""
    return bool(trial.params) and all(
        name not in search_space or _takes(search_space[name], value) for name, value in trial.params.items()
    )


def _takes(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return any(is_same(choice, value) for choice in distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution), distribution
    return is_number(value) and distribution.low <= value <= distribution.high


def _values(trial: FrozenTrial, signs: Sequence[float]) -> list[float]:
    """Return the values of a trial as losses; a trial that was stopped has its last reported one."""
    if trial.state is TrialState.COMPLETE:
        return [sign * value for sign, value in zip(signs, trial.values, strict=True)]
    last = trial.intermediate_values[max(trial.intermediate_values)] if trial.intermediate_values else math.nan
    return [sign * last for sign in signs] if len(signs) == 1 else [math.nan] * len(signs)


def _known(losses: Floats, fits: Callable[[int], bool]) -> list[int]:
    """Return the numbers of the trials that are learned from, ascending; only so many are asked whether they fit."""
    ranked = np.argsort(losses, kind="stable").tolist()
    best = list(itertools.islice(filter(fits, ranked), MOST_KNOWN // 2))
    others = np.setdiff1d(np.arange(len(losses)), best)[::-1].tolist()
    return sorted([*best, *itertools.islice(filter(fits, others), MOST_KNOWN - len(best))])


def _drawn_in(losses: Floats) -> Floats:
    """Return losses of mean 0 and variance 1, those above the median drawn in, infinite ones as the worst."""
    finite = losses[np.isfinite(losses)]
    largest = float(np.abs(finite).max(initial=0.0))
    if not largest:
        return np.zeros(len(losses))
    finite = finite / largest  # squares of huge values would overflow
    median = float(np.median(finite))
    scale = max(median - float(finite.min()), SAME)
    drawn = median + scale * np.log1p(np.maximum(finite - median, 0) / scale)
    values = np.full(len(losses), float(drawn.max()))
    values[np.isfinite(losses)] = np.where(finite <= median, finite, drawn)
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation > SAME else np.zeros(len(losses))


def _unlike(configs: Floats, others: Floats) -> Floats:
    """Return the configs that are none of the others, each once; all of them if there is no such config."""
    known = {_key(config) for config in others}
    fresh: dict[bytes, int] = {}
    for number, config in enumerate(configs):
        if (key := _key(config)) not in known:
            fresh.setdefault(key, number)
    return configs[list(fresh.values())] if fresh else configs


def _key(config: Floats) -> bytes:
    return np.round(np.nan_to_num(config, nan=-1.0), 9).tobytes()
