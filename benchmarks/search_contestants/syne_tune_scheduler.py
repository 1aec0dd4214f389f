"""A scheduler of Syne Tune. Its spaces are flat: it gives each parameter a value, and those of no use are left out."""

from __future__ import annotations

import importlib
import random
from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.search.course import Asked
from tuner.space import Space
from tuner.space.suggest import Known
from tuner.space.tree import Choice, Int, Row

METRIC = "loss"


class SyneTune:
    """Asks for suggestions, and reports each as one complete trial."""

    def __init__(self, space: Space, seed: int, scheduler: str) -> None:
        domains = importlib.import_module("syne_tune.config_space")
        baselines = importlib.import_module("syne_tune.optimizer.baselines")
        self._space = space
        self._trial = importlib.import_module("syne_tune.backend.trial_status").Trial
        np.random.seed(seed)  # it draws from the global generators too, and its own seed does not reach them
        random.seed(seed)
        flat = {row.name: _domain(domains, row) for row in space.parameters()}
        self._scheduler = getattr(baselines, scheduler)(flat, metric=METRIC, do_minimize=True, random_seed=seed)
        self._asked: list[Any] = []

    def ask(self) -> Asked:
        """Return the next config."""
        config = self._scheduler.suggest().config
        trial = self._trial(len(self._asked), config, datetime.now())
        self._scheduler.on_trial_add(trial)
        self._asked.append(trial)
        return Asked(trial.trial_id, self._space.fill(Known(config)))

    def tell(self, number: int, loss: float) -> None:
        """Take a loss."""
        self._scheduler.on_trial_complete(self._asked[number], {METRIC: loss})


def _domain(domains: Any, row: Row) -> Any:
    match row.hole:
        case Int(low, high):
            return domains.randint(low, high)
        case Choice():
            return domains.choice(list(row.hole.labels))
    raise AssertionError(f"{row.name}: a form has no continuous hole")
