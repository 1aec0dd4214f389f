from __future__ import annotations

import optuna
import pytest

from tests.conftest import TINY
from tuner.errors import StudyError
from tuner.goal import goal_of
from tuner.port import Epoch, Outcome, State
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import Study, delete_study, list_studies, load_study, open_study
from tuner.task import Task

PRUNING = TINY.replace("pruner: null", "pruner: {type: ThresholdPruner, lower: 0.5}")


def opened(url: str, text: str = PRUNING) -> Study:
    space = Space.parse(text)
    return open_study(open_storage(url, create=True), space, goal_of(space.objective, Task.CLASSIFICATION))


def epoch(trial: int, number: int, accuracy: float, attempt: int = 1) -> Epoch:
    return Epoch(trial, attempt, number, {"train_loss": 1.0, "accuracy": accuracy, "loss": 0.5}, 0.25)


def complete(study: Study, value: float) -> int:
    trial = study.ask({})
    study.report(epoch(trial.number, 1, value))
    study.tell(Outcome(trial.number, 1, State.COMPLETE, (value,), 1))
    return trial.number


def test_optuna_reads_every_trial_its_parameters_epochs_and_attributes(url: str) -> None:
    study = opened(url)
    trial = study.ask({"threads": 2})
    study.report(epoch(trial.number, 1, 0.7))
    study.report(epoch(trial.number, 2, 0.6))
    study.tell(Outcome(trial.number, 1, State.COMPLETE, (0.7,), 1))

    loaded = optuna.load_study(study_name="tiny", storage=url)

    read = loaded.trials[0]
    assert (read.state, read.value, read.intermediate_values) == (
        optuna.trial.TrialState.COMPLETE,
        0.7,
        {1: 0.7, 2: 0.6},
    )
    assert set(read.params) >= {"model.hidden.length", "model.hidden.0", "optimizer"}
    assert read.user_attrs["history"]["loss"] == [0.5, 0.5]
    assert {key: read.user_attrs[key] for key in ("attempt", "threads", "epoch", "state")} == {
        "attempt": 1,
        "threads": 2,
        "epoch": 1,
        "state": "complete",
    }
    assert loaded.metric_names == ["accuracy"]
    assert loaded.direction is optuna.study.StudyDirection.MAXIMIZE


def test_the_pruner_judges_every_epoch(url: str) -> None:
    study = opened(url)
    trial = study.ask({})

    assert study.report(epoch(trial.number, 1, 0.6)) is False
    assert study.report(epoch(trial.number, 2, 0.4)) is True


def test_a_pruned_trial_says_why(url: str) -> None:
    study = opened(url)
    trial = study.ask({})
    study.report(epoch(trial.number, 1, 0.25))
    study.tell(Outcome(trial.number, 1, State.PRUNED, epoch=1))

    assert study.record(0).cause == "ThresholdPruner at epoch 1, accuracy 0.25"


@pytest.mark.parametrize(
    ("state", "told_as"),
    [
        (State.DIVERGED, optuna.trial.TrialState.PRUNED),
        (State.OUT_OF_MEMORY, optuna.trial.TrialState.PRUNED),
        (State.FAILED, optuna.trial.TrialState.FAIL),
    ],
)
def test_a_trial_that_went_wrong_is_told_by_its_cause(url: str, state: State, told_as: optuna.trial.TrialState) -> None:
    study = opened(url)
    study.tell(Outcome(study.ask({}).number, 1, state, cause="so it was", traceback="a line"))

    record = study.record(0)
    assert (record.state, record.cause, record.attributes["traceback"]) == (state.value, "so it was", "a line")
    assert optuna.load_study(study_name="tiny", storage=url).trials[0].state is told_as
    assert study.best() is None


def test_a_suspended_trial_comes_back_under_its_own_number(url: str) -> None:
    study = opened(url)
    first = study.ask({})
    study.report(epoch(0, 1, 0.9))
    study.tell(Outcome(0, 1, State.SUSPENDED, epoch=1))

    again = opened(url).ask({})

    assert (again.number, again.attempt, again.values, again.seed) == (0, 2, first.values, first.seed)


def test_epochs_that_were_judged_before_are_not_judged_again(url: str) -> None:
    study = opened(url)
    study.ask({})
    study.report(epoch(0, 1, 0.6))
    study.report(epoch(0, 2, 0.4))
    study.tell(Outcome(0, 1, State.SUSPENDED, epoch=2))
    study = opened(url)
    study.ask({})

    judged = [study.report(epoch(0, number, value, attempt=2)) for number, value in ((1, 0.6), (2, 0.45), (3, 0.4))]

    assert judged == [False, True, True]  # the last one's verdict may have been lost with the run
    assert study.record(0).history["accuracy"] == [0.6, 0.45, 0.4]


def test_a_trial_that_a_crash_left_running_waits_again(url: str) -> None:
    opened(url).ask({})

    study = opened(url)

    assert study.recover() == 1
    assert study.record(0).state == "waiting"
    assert study.ask({}).number == 0
    assert len(study.records()) == 1


def test_a_resumed_study_does_not_repeat_its_first_trials(url: str) -> None:
    study = opened(url)
    first = [study.record(complete(study, 0.6)).params for _ in range(3)]
    study = opened(url)

    second = [study.record(complete(study, 0.6)).params for _ in range(3)]

    assert all(params not in first for params in second)


def test_the_same_seed_gives_the_same_trials(tmp_path: object) -> None:
    params = []
    for name in ("a", "b"):
        study = opened(f"sqlite:///{tmp_path}/{name}.db")
        params.append([study.record(complete(study, 0.6)).params for _ in range(3)])

    assert params[0] == params[1]


def test_the_best_trial_follows_from_the_direction(url: str) -> None:
    study = opened(url)
    for value in (0.6, 0.9, 0.7):
        complete(study, value)
    best = study.best()

    assert best is not None
    assert best.number == 1
    assert [record.number for record in study.ranked(study.records())] == [1, 2, 0]


def test_enqueued_configs_run_first(url: str) -> None:
    study = opened(url, PRUNING.replace("trials: 3,", "trials: 3, enqueue: [{optimizer: SGD, optimizer.SGD.lr: 0.5}],"))

    assert study.ask({}).values["optimizer"]["lr"] == 0.5


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

    counts = [len(opened(url, text).records()) for text in (one, one, two)]

    assert counts == [1, 1, 2]


def test_an_ending_that_was_half_written_is_written_anew(url: str) -> None:
    study = opened(url)
    trial = study.ask({})
    study._trials[0].set_user_attr("cause", "ThresholdPruner at epoch 1")
    study.suspend(trial.number)
    study = opened(url)
    study.ask({})
    study.tell(Outcome(0, 2, State.COMPLETE, (0.9,), 1))

    assert study.record(0).cause == ""


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
