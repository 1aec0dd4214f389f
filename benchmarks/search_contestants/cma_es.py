"""Optuna's CMA-ES, which draws choices and conditional parameters at random."""

from __future__ import annotations

from optuna.samplers import CmaEsSampler

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return OptunaStudy(space, CmaEsSampler(seed=seed))
