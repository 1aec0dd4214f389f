"""Pruners by their class names, with the defaults and the seeds of this project."""

from __future__ import annotations

from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner

from tuner.config import Component
from tuner.study.optuna_classes import build
from tuner.study.percentile_pruner import PercentilePruner

MEDIAN = 50.0
"""The percentile of a median."""


def pruner(component: Component | None, epochs: int, seed: int, folder: str = "") -> BasePruner:
    """Make a pruner; None prunes nothing.

    Args:
        component: the class and its arguments; one that is a mapping with a `type` is made too.
        epochs: the most that a trial may train.
        seed: decides what of it is up to chance.
        folder: the folder of the space, where its files of user code are.

    Raises:
        BuildError: there is no such class, or it refuses its arguments.
    """
    if component is None:
        return NopPruner()
    built: BasePruner = build(component, "pruner", lambda cls: _pruner_defaults(cls, epochs, seed), folder)
    if type(built) is optuna.pruners.PercentilePruner:
        return PercentilePruner(**component.args)
    if type(built) is optuna.pruners.MedianPruner:
        return PercentilePruner(MEDIAN, **component.args)
    return built


def _pruner_defaults(cls: type, epochs: int, seed: int) -> dict[str, Any]:
    """Return Hyperband's arguments; its own default would change its brackets on resume."""
    return {"max_resource": epochs, "seed": seed} if cls is HyperbandPruner else {}
