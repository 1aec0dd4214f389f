from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import optuna
import pytest

from tests.support.asking import PRUNING, complete, epoch, opened
from tuner.errors import StorageError, StudyError
from tuner.protocol import Outcome, State
from tuner.study.trial_attributes import TrialAttributes

CRASH = """
CREATE TRIGGER crash BEFORE INSERT ON trial_user_attributes WHEN NEW.key = '{key}'
BEGIN SELECT RAISE(ABORT, 'crash'); END
"""


def test_optuna_reads_every_trial_its_parameters_epochs_and_attributes(url: str) -> None:
    trials = opened(url)
    trial = trials.ask()
    trials.running.note(0, TrialAttributes(threads=2))
    trials.report(epoch(trial.number, 1, 0.7))
    trials.report(epoch(trial.number, 2, 0.6))
    trials.tell(Outcome(trial.number, 1, State.COMPLETE, (0.7,), 1))

    loaded = optuna.load_study(study_name="tiny", storage=url)

    read = loaded.trials[0]
    assert (read.state, read.value, read.intermediate_values) == (
        optuna.trial.TrialState.COMPLETE,
        0.7,
        {1: 0.7, 2: 0.6},
    )
    assert set(read.params) >= {"model.hidden.length", "model.hidden.0", "optimizer"}
    assert read.system_attrs["tuner:history"]["loss"] == [0.5, 0.5]
    assert {key: read.user_attrs[key] for key in ("attempt", "threads", "epoch", "state")} == {
        "attempt": 1,
        "threads": 2,
        "epoch": 1,
        "state": "complete",
    }
    assert loaded.metric_names == ["accuracy"]
    assert loaded.direction is optuna.study.StudyDirection.MAXIMIZE


def test_the_pruner_judges_every_epoch_but_the_last(url: str) -> None:
    trials = opened(url, PRUNING.replace("epochs: 2", "epochs: 3"))
    first, second = trials.ask().number, trials.ask().number

    assert [trials.report(epoch(first, 1, 0.6)), trials.report(epoch(first, 2, 0.4))] == [False, True]
    assert [trials.report(epoch(second, number, 0.4 if number == 3 else 0.6)) for number in (1, 2, 3)] == [False] * 3


def test_a_pruned_trial_says_why(url: str) -> None:
    trials = opened(url)
    trial = trials.ask()
    trials.report(epoch(trial.number, 1, 0.25))
    trials.tell(Outcome(trial.number, 1, State.PRUNED, epoch=1))

    assert trials.study.record(0).cause == "ThresholdPruner at epoch 1, accuracy 0.25"


@pytest.mark.parametrize(
    ("state", "told_as"),
    [
        (State.DIVERGED, optuna.trial.TrialState.PRUNED),
        (State.OUT_OF_MEMORY, optuna.trial.TrialState.PRUNED),
        (State.FAILED, optuna.trial.TrialState.FAIL),
    ],
)
def test_a_trial_that_went_wrong_is_told_by_its_cause(url: str, state: State, told_as: optuna.trial.TrialState) -> None:
    trials = opened(url)
    trials.tell(Outcome(trials.ask().number, 1, state, cause="so it was", traceback="a line"))

    record = trials.study.record(0)
    assert (record.state, record.cause, record.attributes.traceback) == (state.value, "so it was", "a line")
    assert optuna.load_study(study_name="tiny", storage=url).trials[0].state is told_as
    assert trials.study.best() is None


def test_a_suspended_trial_comes_back_under_its_own_number(url: str) -> None:
    trials = opened(url)
    first = trials.ask()
    trials.report(epoch(0, 1, 0.9))
    trials.tell(Outcome(0, 1, State.SUSPENDED, epoch=1))

    again = opened(url).ask()

    assert (again.number, again.attempt, again.values, again.seed) == (0, 2, first.values, first.seed)


def test_epochs_that_were_judged_before_are_not_judged_again(url: str) -> None:
    trials = opened(url)
    trials.ask()
    trials.report(epoch(0, 1, 0.6))
    trials.report(epoch(0, 2, 0.6))
    trials.tell(Outcome(0, 1, State.SUSPENDED, epoch=2))
    trials = opened(url)
    trials.ask()

    judged = [trials.report(epoch(0, number, value, attempt=2)) for number, value in ((1, 0.6), (2, 0.45), (3, 0.4))]

    assert judged == [False, False, True]
    assert trials.study.record(0).history["accuracy"] == [0.6, 0.45, 0.4]


def test_a_trial_that_a_crash_left_running_waits_again(url: str) -> None:
    opened(url).ask()

    trials = opened(url)

    assert trials.recover() == 1
    assert trials.study.record(0).state == "waiting"
    assert trials.ask().number == 0
    assert len(trials.study.records()) == 1


def test_a_resumed_study_does_not_repeat_its_first_trials(url: str) -> None:
    trials = opened(url)
    first = [trials.study.record(complete(trials, 0.6)).params for _ in range(3)]
    trials = opened(url)

    second = [trials.study.record(complete(trials, 0.6)).params for _ in range(3)]

    assert all(params not in first for params in second)


def test_the_same_seed_gives_the_same_trials(tmp_path: object) -> None:
    params = []
    for name in ("a", "b"):
        trials = opened(f"sqlite:///{tmp_path}/{name}.db")
        params.append([trials.study.record(complete(trials, 0.6)).params for _ in range(3)])

    assert params[0] == params[1]


def test_enqueued_configs_run_first(url: str) -> None:
    trials = opened(
        url, PRUNING.replace("trials: 3,", "trials: 3, enqueue: [{optimizer: SGD, optimizer.SGD.lr: 0.5}],")
    )

    assert trials.ask().values["optimizer"]["lr"] == 0.5


def test_an_ending_that_was_half_written_is_written_anew(url: str) -> None:
    trials = opened(url)
    trials.ask()
    trials.running.note(0, TrialAttributes(cause="ThresholdPruner at epoch 1"))
    trials.leave(0)
    trials = opened(url)
    trials.ask()
    trials.tell(Outcome(0, 2, State.COMPLETE, (0.9,), 1))

    assert trials.study.record(0).cause == ""


def test_a_trial_that_was_asked_for_by_half_comes_out_as_it_would_have(url: str, tmp_path: Path) -> None:
    whole = opened(f"sqlite:///{tmp_path}/whole.db")
    for _ in range(2):
        complete(whole, 0.6)
    cut = opened(url)
    complete(cut, 0.6)
    with sqlite3.connect(tmp_path / "studies.db") as connection:  # the crash: after the parameters
        connection.execute(CRASH.format(key="attempt"))
    with pytest.raises(StorageError):
        cut.ask()
    with sqlite3.connect(tmp_path / "studies.db") as connection:  # and only one of them was written
        connection.execute("DROP TRIGGER crash")
        connection.execute("DELETE FROM trial_params WHERE trial_id = 2 AND param_name != 'model.hidden.length'")
        connection.execute("UPDATE trial_params SET param_value = 3 - param_value WHERE trial_id = 2")

    trials = opened(url)
    trials.recover()
    again = complete(trials, 0.6)

    assert again == 1
    assert trials.study.record(1).params == whole.study.record(1).params


def test_what_the_pruner_notes_is_there_with_the_epoch_or_not_at_all(url: str, tmp_path: Path) -> None:
    halving = "pruner: {type: SuccessiveHalvingPruner, min_resource: 1, reduction_factor: 2}"
    text = PRUNING.replace("pruner: {type: ThresholdPruner, lower: 0.5}", halving)
    trials = opened(url, text)
    complete(trials, 0.9)
    trials.ask()
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute(CRASH.replace("user", "system").format(key="tuner:history"))
    with pytest.raises(StorageError):
        trials.report(epoch(1, 1, 0.1))
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute("DROP TRIGGER crash")
        left = connection.execute("SELECT count(*) FROM trial_intermediate_values WHERE trial_id = 2").fetchone()

    trials = opened(url, text)
    trials.recover()
    trials.ask()

    assert left == (0,)
    assert trials.report(epoch(1, 1, 0.1, attempt=2)) is True


def test_a_trial_that_was_to_be_stopped_when_its_driver_died_is_pruned_at_that_epoch(url: str) -> None:
    trials = opened(url)
    trials.ask()
    trials.report(epoch(0, 1, 0.4))

    trials = opened(url)
    recovered = trials.recover()

    record = trials.study.record(0)
    assert (recovered, record.state, record.epoch) == (1, "pruned", 1)
    assert record.cause == "ThresholdPruner at epoch 1, accuracy 0.4"


def test_a_stopped_trial_whose_worker_dies_is_pruned_and_not_tried_again(url: str) -> None:
    trials = opened(url)
    trials.ask()
    trials.report(epoch(0, 1, 0.4))

    ended = trials.tell(Outcome(0, 1, State.LOST, cause="its worker died (SIGKILL)"))

    assert ended
    assert trials.study.record(0).state == "pruned"


def test_a_study_is_deterministic_or_not_from_its_first_trial_on(url: str) -> None:
    complete(opened(url, batch=4), 0.6)

    with pytest.raises(StudyError, match="was begun with --deterministic 4"):
        opened(url)


def test_an_epoch_is_judged_once_however_often_its_trial_begins_anew(url: str) -> None:
    reported = [[0.6, 0.6, 0.6], [0.6], [0.6, 0.4]]  # the third attempt must not be judged at what the first has passed
    judged = []
    for attempt, values in enumerate(reported, start=1):
        trials = opened(url)
        trials.recover()
        trials.ask()
        judged.append([trials.report(epoch(0, i, value, attempt)) for i, value in enumerate(values, start=1)])

    assert judged == [[False] * 3, [False], [False, False]]


def test_what_was_not_written_of_an_epoch_is_not_known_either(url: str, tmp_path: Path) -> None:
    trials = opened(url)
    trials.ask()
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute(CRASH.replace("user", "system").format(key="tuner:history"))
    with pytest.raises(StorageError):
        trials.report(epoch(0, 1, 0.4))  # which the pruner would stop

    trials.leave(0)

    assert trials.study.record(0).state == "waiting"


def test_no_attribute_is_a_line_that_widens_the_dashboards_page(url: str) -> None:
    trials = opened(url)
    long = trials.ask().number
    for number in range(1, 101):
        trials.report(epoch(long, number, number / 101))
    trials.tell(Outcome(long, 1, State.FAILED, cause="ValueError: no", traceback="a line\n" * 200))

    read = optuna.load_study(study_name="tiny", storage=url).trials[0]

    assert max(len(json.dumps(value)) for value in read.user_attrs.values()) < 200  # it shows each on one line
    record = trials.study.record(long)
    assert (len(record.history["accuracy"]), record.attributes.traceback) == (100, "a line\n" * 200)
