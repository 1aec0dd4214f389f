"""The folds and seeds of a trial train as lanes of one program, with the metrics of training in turn."""

from __future__ import annotations

import pytest

from tests.support.lanes import Settings, assert_same, epochs, fused, job_of, serial, trials
from tests.support.ports import Verdicts
from tuner.engines.serial import Serial
from tuner.protocol import State, Verdict

FOLDS: dict[str, Settings] = {
    "folds of an MLP": {"data.folds": 3},
    "folds with repeats and seeds": {"data.folds": {"n": 2, "repeats": 2}, "training.seeds": 2},
    "seeds alone": {"training.seeds": 3},
    "folds of a CNN": {"data.folds": 3, "model": {"type": "CNN", "channels": [4, 8], "dropout": 0.3}},
    "folds of a regression": {
        "data": {"type": "diabetes", "batch_size": 64, "folds": 3},
        "loss": None,
        "optimizer.lr": 0.01,
    },
}


@pytest.mark.parametrize("settings", FOLDS.values(), ids=FOLDS)
def test_lanes_of_folds_give_the_metrics_of_training_in_turn(settings: Settings) -> None:
    job, several = job_of(settings), [settings, {**settings, "training.epochs": 2}]

    found = fused(job, trials(several), width=2)

    assert "replicates each train together" in found.notes[0]
    there, wanted = epochs(found), epochs(serial(job, trials(several)))
    assert there.keys() == wanted.keys()
    for key, metrics in wanted.items():
        assert there[key] == pytest.approx(metrics, rel=5e-3, abs=5e-3), key


def test_one_trial_alone_trains_its_folds_in_lanes() -> None:
    settings: Settings = {"data.folds": 3}

    found = fused(job_of(settings), trials([settings]), width=1)

    assert found.notes[0].startswith("MLP, batches of 128: 1 trial of 3 replicates each trains in lanes")
    assert_same(found, serial(job_of(settings), trials([settings])))


def test_a_trial_that_is_stopped_takes_all_of_its_lanes_along() -> None:
    settings: Settings = {"data.folds": 3}
    verdicts: Verdicts = {(0, 1): Verdict.STOP, (2, 2): Verdict.STOP}
    given = trials([settings] * 4)

    found = fused(job_of(settings), given, width=2, verdicts=verdicts)

    assert_same(found, serial(job_of(settings), given, verdicts))
    states = {outcome.trial: outcome.state for outcome in found.outcomes}
    assert states == {0: State.PRUNED, 1: State.COMPLETE, 2: State.PRUNED, 3: State.COMPLETE}


def test_a_suspended_trial_in_lanes_goes_on_from_all_of_its_folds() -> None:
    settings: Settings = {"data.folds": 3, "training.epochs": 4}
    job, given = job_of(settings), trials([settings] * 2)
    found = fused(job, given, width=2, verdicts={2: Verdict.SUSPEND})
    assert len(found.checkpoints) == 2

    found.waiting, found.verdicts, found.given = list(given), {}, []
    Serial(job, 1e9)(found)

    there, wanted = epochs(found), epochs(serial(job, given))
    assert there.keys() == wanted.keys()
    for key, metrics in wanted.items():
        assert there[key] == pytest.approx(metrics, rel=1e-3, abs=1e-2), key


def test_folds_that_weigh_their_classes_train_in_turn() -> None:
    settings: Settings = {"data.folds": 3, "training.class_weights": "balanced"}

    found = fused(job_of(settings), trials([settings] * 2), width=2)

    assert found.notes == ["MLP, batches of 128: trials train in turn: each fold weighs its classes by its own rows"]
    assert_same(found, serial(job_of(settings), trials([settings] * 2)))
