"""A study gives its trials by the names that Optuna gives them."""

from __future__ import annotations

import optuna
import pytest

import tuner
from tests.conftest import TINY
from tests.support.asking import complete, opened
from tests.support.studies import branched, study_of, study_of_several
from tuner.errors import StudyError
from tuner.space import Space

WORDS = ["best_trial", "best_params", "best_value"]


def test_a_study_has_what_optuna_has_under_the_same_names(url: str) -> None:
    study = tuner.run(Space.parse(TINY), storage=url, device="cpu").study

    theirs = optuna.load_study(study_name="tiny", storage=url)

    assert study.trials == theirs.trials
    assert study.best_trial == theirs.best_trial
    assert study.best_params == theirs.best_params
    assert study.best_value == theirs.best_value
    assert study.best_trials == [theirs.best_trial]
    assert study.trials_dataframe().equals(theirs.trials_dataframe())


def test_a_front_is_that_of_optuna() -> None:
    study = study_of_several(20, objectives=2)

    ours, theirs = study.best_trials, study.optuna.best_trials

    assert sorted(trial.number for trial in ours) == sorted(trial.number for trial in theirs)


def test_the_best_trial_keeps_to_the_bounds() -> None:
    study = branched(20)

    best = study.best()

    assert best is not None
    assert study.best_trial.number == best.number
    assert study.best_value == best.value


@pytest.mark.parametrize("word", WORDS)
def test_a_study_of_several_objectives_has_no_best_trial(word: str) -> None:
    with pytest.raises(StudyError, match="several objectives and no best trial; use best_trials"):
        getattr(study_of_several(3, objectives=2), word)


@pytest.mark.parametrize("word", WORDS)
def test_a_study_without_a_complete_trial_has_no_best_trial(word: str, url: str) -> None:
    study = opened(url).study

    with pytest.raises(StudyError, match="study tiny has no complete trial"):
        getattr(study, word)
    assert study.best_trials == []


def test_trials_are_copies() -> None:
    study = study_of(3)

    study.trials[0].user_attrs["attempt"] = 7

    assert study.trials[0].user_attrs["attempt"] == 1


def test_a_trial_that_ends_is_seen(url: str) -> None:
    trials = opened(url)

    complete(trials, 0.5)

    assert trials.study.best_value == 0.5
