"""Optuna's TPE with its defaults: in Optuna 5 multivariate, with constant liar."""

from __future__ import annotations

from optuna.samplers import TPESampler

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return OptunaStudy(space, TPESampler(seed=seed))
