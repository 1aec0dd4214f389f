"""Optuna's TPE that samples each parameter by itself, as it did by default before Optuna 5."""

from __future__ import annotations

from optuna.samplers import TPESampler

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return OptunaStudy(space, TPESampler(seed=seed, multivariate=False))
