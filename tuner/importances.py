"""Importances: how much of what tells good trials from others lies in each parameter."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial

from tuner.goal import Direction
from tuner.study import Record, Study


@dataclass(frozen=True, slots=True)
class Importance:
    """One parameter's; `overall` is its part, in [0, 1], among all parameters over all trials."""

    name: str
    overall: float


@dataclass(frozen=True, slots=True)
class Importances:
    """Those of a study in one objective, the most important first; none where no two values differ."""

    ranked: tuple[Importance, ...]


def importances_of(study: Study, chosen: Sequence[Record], i: int = 0) -> Importances:
    """By Optuna's PED-ANOVA.

    Args:
        study: whose trials they are.
        chosen: complete trials with finite values, by number.
        i: which objective.
    """
    if len({record.values[i] for record in chosen}) < 2 or not any(record.params for record in chosen):
        return Importances(())
    sign = -1 if study.goal.directions[i] is Direction.MAXIMIZE else 1  # it takes lower targets for better

    def target(trial: FrozenTrial) -> float:
        return float(sign * trial.values[i])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few trials
        found = optuna.importance.get_param_importances(study.optuna, target=target)
    shares = sorted(found.items(), key=lambda item: -item[1])
    return Importances(tuple(Importance(name, share) for name, share in shares))
