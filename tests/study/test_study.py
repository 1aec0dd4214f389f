from __future__ import annotations

import optuna
import pytest

from tests.support.asking import PRUNING, complete, opened
from tuner.errors import StudyError
from tuner.storage import open_storage
from tuner.study import delete_study, list_studies, load_study


def test_the_best_trial_follows_from_the_direction(url: str) -> None:
    trials = opened(url)
    for value in (0.6, 0.9, 0.7):
        complete(trials, value)
    best = trials.study.best()

    assert best is not None
    assert best.number == 1
    assert [record.number for record in trials.study.ranked(trials.study.records())] == [1, 2, 0]


def test_a_study_of_another_space_is_refused_with_the_difference(url: str) -> None:
    opened(url)

    with pytest.raises(StudyError) as caught:
        opened(url, PRUNING.replace("epochs: 2", "epochs: 3"))

    assert "training.epochs: 2 in the study, 3 now" in str(caught.value)
    assert "--study-name" in str(caught.value)


def test_a_study_that_optuna_made_is_read_but_not_continued(url: str) -> None:
    made = optuna.create_study(storage=url, study_name="tiny")
    made.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)

    study = load_study(open_storage(url), "tiny")

    assert [record.state for record in study.records()] == ["complete", "complete"]
    with pytest.raises(StudyError, match="was not made by tuner"):
        opened(url)


def test_a_study_that_is_not_there_is_answered_with_those_that_are(url: str) -> None:
    opened(url)

    with pytest.raises(StudyError, match=r"no study tny \(did you mean tiny\?\): there is tiny"):
        load_study(open_storage(url), "tny")
    with pytest.raises(StudyError, match="study tiny has no trial 7: it has 0 trials"):
        load_study(open_storage(url), "tiny").record(7)


def test_a_study_whose_making_was_cut_short_is_made_by_the_next_run(url: str) -> None:
    optuna.create_study(storage=url, study_name="tiny", direction="maximize")

    assert complete(opened(url), 0.7) == 0


def test_enqueued_configs_are_not_enqueued_twice_and_new_ones_are_added(url: str) -> None:
    one = PRUNING.replace("trials: 3,", "trials: 3, enqueue: [{optimizer: SGD}],")
    two = PRUNING.replace("trials: 3,", "trials: 3, enqueue: [{optimizer: SGD}, {optimizer: Adam}],")

    counts = [len(opened(url, text).study.records()) for text in (one, one, two)]

    assert counts == [1, 1, 2]


def test_studies_of_several_objectives_that_optuna_made_have_a_front(url: str) -> None:
    made = optuna.create_study(storage=url, study_name="two", directions=["minimize", "maximize"])
    made.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.0), n_trials=1)

    study = load_study(open_storage(url), "two")

    assert [record.number for record in study.front()] == [0]
    assert study.record(0).values[0] == made.trials[0].values[0]


def test_a_deleted_study_is_gone(url: str) -> None:
    opened(url)
    storage = open_storage(url)

    delete_study(storage, "tiny")

    assert list_studies(storage) == []
