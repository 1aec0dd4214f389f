"""Random search."""

from __future__ import annotations

from optuna.samplers import RandomSampler

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return OptunaStudy(space, RandomSampler(seed=seed))
