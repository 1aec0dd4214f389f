"""Ax with its defaults. The space is flat: it gives each parameter a value, and those of no use are left out."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from benchmarks.search.course import Asked, Contestant
from tuner.space import Space
from tuner.space.suggest import Known
from tuner.space.tree import Choice, Int, Row


class Ax:
    """Asks and tells Ax's client. Its names have no dots."""

    def __init__(self, space: Space, seed: int) -> None:
        api = importlib.import_module("ax.api.configs")
        importlib.import_module("ax.utils.common.logger").set_stderr_log_level(logging.ERROR)  # it reports every trial
        self._space = space
        self._client = importlib.import_module("ax.api.client").Client(random_seed=seed)
        self._names = {f"p{i}": row.name for i, row in enumerate(space.parameters())}
        rows = zip(self._names, space.parameters(), strict=True)
        self._client.configure_experiment([_parameter(api, name, row) for name, row in rows])
        self._client.configure_optimization("-loss")
        # or Ax refuses to give more configs than its first design has, before some have ended
        self._client.configure_generation_strategy(
            allow_exceeding_initialization_budget=True, initialization_random_seed=seed
        )

    def ask(self) -> Asked:
        """Return the next config."""
        ((number, values),) = self._client.get_next_trials(1).items()
        return Asked(number, self._space.fill(Known({self._names[name]: value for name, value in values.items()})))

    def tell(self, number: int, loss: float) -> None:
        """Take a loss."""
        self._client.complete_trial(number, {"loss": loss})


def _parameter(api: Any, name: str, row: Row) -> Any:
    match row.hole:
        case Int(low, high):
            return api.RangeParameterConfig(name, (low, high), "int")
        case Choice():
            return api.ChoiceParameterConfig(name, [str(label) for label in row.hole.labels], "str", is_ordered=False)
    raise AssertionError(f"{row.name}: a form has no continuous hole")


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return Ax(space, seed)
