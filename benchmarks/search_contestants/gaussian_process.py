"""Optuna's sampler by a Gaussian process."""

from __future__ import annotations

from optuna.samplers import GPSampler

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return OptunaStudy(space, GPSampler(seed=seed))
