"""OptunaHub's AutoSampler, which picks among Optuna's samplers. OptunaHub downloads it when it is first used."""

from __future__ import annotations

import importlib

from benchmarks.search.course import Contestant
from benchmarks.search_contestants.optuna_study import OptunaStudy
from tuner.space import Space


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    hub = importlib.import_module("optunahub")
    return OptunaStudy(space, hub.load_module("samplers/auto_sampler").AutoSampler(seed=seed))
