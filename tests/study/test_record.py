"""What is read of a trial."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from tuner.protocol import State
from tuner.study import TrialStatus, Unfinished
from tuner.study.marks import Marks
from tuner.study.record import record_of


def trial(theirs: optuna.trial.TrialState, **attributes: Any) -> optuna.trial.FrozenTrial:
    value = 1.0 if theirs is optuna.trial.TrialState.COMPLETE else None
    return optuna.trial.create_trial(state=theirs, value=value, user_attrs=attributes)


@pytest.mark.parametrize("told", [state for state in State if state is not State.SUSPENDED])
def test_a_trial_that_we_ended_has_the_cause_that_we_told(told: State) -> None:
    record = record_of(trial(optuna.trial.TrialState.FAIL, attempt=1, state=told.value), Marks())

    assert record.state is told
    assert record.finished


@pytest.mark.parametrize(
    ("theirs", "state"),
    [
        (optuna.trial.TrialState.COMPLETE, State.COMPLETE),
        (optuna.trial.TrialState.PRUNED, State.PRUNED),
        (optuna.trial.TrialState.FAIL, State.FAILED),
        (optuna.trial.TrialState.RUNNING, Unfinished.RUNNING),
        (optuna.trial.TrialState.WAITING, Unfinished.WAITING),
    ],
)
def test_any_other_trial_has_the_state_that_optuna_has(theirs: optuna.trial.TrialState, state: TrialStatus) -> None:
    record = record_of(trial(theirs), Marks())

    assert record.state is state
    assert record.finished is isinstance(state, State)


def test_a_state_that_no_version_of_ours_has_told_is_optunas() -> None:
    assert record_of(trial(optuna.trial.TrialState.FAIL, attempt=1, state="on strike"), Marks()).state is State.FAILED
