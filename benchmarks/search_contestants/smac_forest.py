"""SMAC3 with its facade for hyperparameters: a random forest. It knows which parameters are conditional."""

from __future__ import annotations

import functools
import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.search.course import Asked, Contestant
from tuner.space import Space
from tuner.space.suggest import Known
from tuner.space.tree import Choice, Int, Row


class Smac:
    """Asks and tells SMAC's facade, whose output folder is deleted with it."""

    def __init__(self, space: Space, seed: int) -> None:
        smac = importlib.import_module("smac")
        self._space = space
        self._value = importlib.import_module("smac.runhistory.dataclasses").TrialValue
        self._folder = tempfile.TemporaryDirectory(prefix="smac-")
        scenario = smac.Scenario(
            _configspace(space, seed),
            deterministic=True,
            n_trials=space.search.trials,
            seed=seed,
            output_directory=Path(self._folder.name),
        )
        self._facade = smac.HyperparameterOptimizationFacade(scenario, _train, overwrite=True, logging_level=False)
        self._asked: list[Any] = []

    def ask(self) -> Asked:
        """Return the next config."""
        info = self._facade.ask()
        self._asked.append(info)
        return Asked(len(self._asked) - 1, self._space.fill(Known(dict(info.config))))

    def tell(self, number: int, loss: float) -> None:
        """Take a loss."""
        self._facade.tell(self._asked[number], self._value(cost=loss), save=False)


def _train(config: object, seed: int = 0) -> float:
    """Stand for the training that SMAC wants to call; with ask and tell it never does."""
    raise AssertionError("SMAC was to be asked")


def _configspace(space: Space, seed: int) -> Any:
    """Return the space as ConfigSpace has it, with its conditions."""
    module = importlib.import_module("ConfigSpace")
    found, made = module.ConfigurationSpace(seed=seed), dict[str, Any]()
    for row in space.parameters():
        made[row.name] = _parameter(module, row)
        found.add(made[row.name])
    for row in space.parameters():
        if row.when:
            found.add(_condition(module, made, row.name, row.when))
    return found


def _parameter(module: Any, row: Row) -> Any:
    match row.hole:
        case Int(low, high):
            return module.Integer(row.name, (low, high))
        case Choice():
            return module.Categorical(row.name, list(row.hole.labels))
    raise AssertionError(f"{row.name}: a form has no continuous hole")


def _condition(module: Any, made: Mapping[str, Any], name: str, when: Mapping[str, tuple[Any, ...]]) -> Any:
    conditions = [module.InCondition(made[name], made[parent], list(labels)) for parent, labels in when.items()]
    return functools.reduce(module.AndConjunction, conditions)


def make(space: Space, seed: int) -> Contestant:
    """Return the contestant."""
    return Smac(space, seed)
