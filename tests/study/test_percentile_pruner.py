"""The median and percentile pruners give Optuna's verdicts."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.study import StudyDirection
from optuna.trial import TrialState

from tuner.config import Component
from tuner.study import pruners
from tuner.study.percentile_pruner import PercentilePruner

VALUES = st.one_of(st.floats(-3, 3), st.sampled_from([math.nan, math.inf, -math.inf, 0.5, 0.5, 1.0]))
CURVES = st.lists(st.tuples(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from(list(TrialState))), max_size=25)
DIRECTIONS = (StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE)
ARGUMENTS = st.fixed_dictionaries(
    {
        "percentile": st.sampled_from([0.0, 10.0, 25.0, 33.3, 50.0, 75.0, 100.0]),
        "n_startup_trials": st.integers(0, 4),
        "n_warmup_steps": st.integers(0, 3),
        "interval_steps": st.integers(1, 3),
        "n_min_trials": st.integers(1, 4),
    }
)


@pytest.mark.filterwarnings("ignore:All-NaN", "ignore:invalid value encountered")
@settings(max_examples=60, deadline=None)
@given(CURVES, ARGUMENTS, st.sampled_from(list(DIRECTIONS)))
def test_each_verdict_is_that_of_optuna(
    curves: list[tuple[list[float], TrialState]], arguments: dict[str, Any], direction: StudyDirection
) -> None:
    study = optuna.create_study(direction=direction)
    theirs, ours = optuna.pruners.PercentilePruner(**arguments), PercentilePruner(**arguments)
    for values, end in curves:
        told: dict[int, float] = {}
        for epoch, value in enumerate(values, 1):
            told[epoch] = value
            trial = optuna.trial.create_trial(state=TrialState.RUNNING, intermediate_values=dict(told))
            assert ours.prune(study, trial) == theirs.prune(study, trial), (told, study.get_trials())
        result = 0.0 if end is TrialState.COMPLETE else None
        study.add_trial(optuna.trial.create_trial(state=end, value=result, intermediate_values=told))


def test_a_trial_that_is_hidden_later_counts_no_more() -> None:
    study = optuna.create_study()
    for value in (0.1, 0.2, 0.9):
        study.add_trial(optuna.trial.create_trial(value=value, intermediate_values={1: value}))
    pruner = PercentilePruner(50.0, n_startup_trials=1)
    trial = optuna.trial.create_trial(state=TrialState.RUNNING, intermediate_values={1: 0.5})
    assert pruner.prune(study, trial)

    shown = study.get_trials(deepcopy=False)[2:]
    study.get_trials = lambda **asked: shown  # type: ignore[method-assign]  # as a driver hides ignored trials

    assert not pruner.prune(study, trial)


@pytest.mark.parametrize("named", ["MedianPruner", "PercentilePruner"])
def test_a_space_that_names_optunas_class_gets_the_quick_one(named: str) -> None:
    arguments = {} if named == "MedianPruner" else {"percentile": 25.0}
    assert isinstance(pruners.pruner(Component(named, {**arguments, "n_min_trials": 2}), 5, 0), PercentilePruner)
