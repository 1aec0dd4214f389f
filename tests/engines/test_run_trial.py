from __future__ import annotations

import io
import sys
from typing import Any

import pytest
import torch

from tests.support.ports import FakePort
from tests.support.trials import job_of, trial
from tuner.config import Config
from tuner.engines.outcomes import BestEpoch
from tuner.engines.run_trial import run_trial
from tuner.engines.serial import Serial
from tuner.protocol import Outcome, State, Trial, Verdict
from tuner.training import Job, Run, evaluate


@pytest.fixture(scope="module")
def job() -> Job:
    return job_of()


def run(job: Job, given: Trial, port: FakePort, interval: float = 10.0) -> Outcome:
    return run_trial(job, given, port, interval)


def test_the_serial_engine_runs_all_that_the_port_has(job: Job) -> None:
    port = FakePort(trial(0), trial(1))

    Serial(job, 10.0)(port)

    assert [(outcome.trial, outcome.state) for outcome in port.outcomes] == [(0, State.COMPLETE), (1, State.COMPLETE)]
    assert [(epoch.trial, epoch.epoch) for epoch in port.epochs] == [(n, e) for n in (0, 1) for e in (1, 2, 3, 4)]


def test_the_value_is_the_best_epochs_or_the_lasts(job: Job) -> None:
    of_last = job_of(objective__scope="last")
    settings: dict[str, Any] = {"optimizer__lr": 2.0, "training__epochs": 8}
    best_port, last_port = FakePort(), FakePort()

    best = run(job, trial(**settings), best_port)
    last = run(of_last, trial(**settings), last_port)

    accuracies = [epoch.metrics["accuracy"] for epoch in best_port.epochs]
    assert best.values == (max(accuracies),)
    assert best.epoch == accuracies.index(max(accuracies)) + 1
    assert (last.values, last.epoch) == ((accuracies[-1],), 8)
    assert max(accuracies) != accuracies[-1]  # or the test tells nothing


def test_a_stopped_trial_ends_pruned_at_that_epoch(job: Job) -> None:
    port = FakePort(verdicts={2: Verdict.STOP})

    outcome = run(job, trial(), port)

    assert (outcome.state, outcome.epoch, outcome.values) == (State.PRUNED, 2, ())
    assert len(port.epochs) == 2


def test_a_suspended_trial_goes_on_from_its_checkpoint_to_the_same_end(job: Job) -> None:
    whole = FakePort()
    expected = run(job, trial(), whole)
    port = FakePort(verdicts={2: Verdict.SUSPEND})

    suspended = run(job, trial(), port)
    port.verdicts = {}
    outcome = run(job, trial(), port)

    assert suspended.state is State.SUSPENDED
    assert outcome == expected
    assert [epoch.metrics for epoch in port.epochs] == [epoch.metrics for epoch in whole.epochs]


def test_a_best_epoch_before_the_suspension_is_not_forgotten(job: Job) -> None:
    best = BestEpoch(job.scores.goal)
    best.see({"accuracy": 0.9}, 1)
    best.see({"accuracy": 0.5}, 2)

    resumed = BestEpoch(job.scores.goal)
    trained = resumed.restore(best.progress(2))
    resumed.see({"accuracy": 0.7}, 3)

    assert (trained, resumed.metrics, resumed.epoch) == (2, {"accuracy": 0.9}, 1)


def test_a_short_trial_saves_no_checkpoint_and_a_long_one_the_last_and_the_best(job: Job) -> None:
    short, long = FakePort(), FakePort()

    run(job, trial(), short)
    outcome = run(job, trial(), long, interval=0.0)

    assert (list(short.checkpoints), list(short.best)) == ([], [])
    last, best = (torch.load(io.BytesIO(kept[0]), weights_only=True) for kept in (long.checkpoints, long.best))
    assert last["progress"]["trained"] == 4
    assert best["progress"]["epoch"] == outcome.epoch
    assert best["progress"]["accuracy"] == outcome.values[0]


def test_the_best_weights_that_are_kept_score_what_the_trial_is_said_to_score(job: Job) -> None:
    port = FakePort()
    given = trial(optimizer__lr=2.0, training__epochs=8)

    outcome = run(job, given, port, interval=0.0)

    kept = Run.build(job, Config.of(given.values, "."), 0)
    kept.model.load_state_dict(torch.load(io.BytesIO(port.best[0]), weights_only=True)["model"])
    assert kept.dataset.valid is not None
    scores = evaluate(kept, kept.dataset.valid, job.scores)
    assert outcome.epoch != 8  # or the test tells nothing
    assert scores["accuracy"] == outcome.values[0]


def test_the_best_weights_survive_a_suspension(job: Job) -> None:
    whole, cut = FakePort(), FakePort(verdicts={6: Verdict.SUSPEND})
    given = trial(optimizer__lr=2.0, training__epochs=8)
    run(job, given, whole, interval=0.0)

    run(job, given, cut, interval=100.0)
    cut.verdicts = {}
    run(job, given, cut, interval=100.0)

    assert cut.best[0] == whole.best[0]


@pytest.mark.parametrize(("epochs", "verdicts", "foreseen"), [(4, {}, 1), (1, {}, 0), (4, {3: Verdict.STOP}, 0)])
def test_the_next_trial_is_looked_for_before_the_last_epoch_of_a_short_one(
    job: Job, epochs: int, verdicts: dict[int | tuple[int, int], Verdict], foreseen: int
) -> None:
    port = FakePort(trial(training__epochs=epochs), verdicts=verdicts)

    Serial(job, 10.0)(port)

    assert port.foreseen == foreseen


def test_what_crosses_to_another_process_can_be_pickled(job: Job) -> None:
    import pickle

    port = FakePort(trial())
    outcome = run(job, trial(), port)

    for crossing in (trial(), port.epochs[0], outcome):
        assert pickle.loads(pickle.dumps(crossing)) == crossing
    assert sys.getsizeof(pickle.dumps(trial())) < 4096


def test_a_damaged_checkpoint_begins_the_trial_anew(job: Job) -> None:
    whole, port = FakePort(), FakePort()
    port.checkpoints[0] = b"these are not the bytes of a checkpoint"

    assert run(job, trial(), port) == run(job, trial(), whole)
    assert [epoch.metrics for epoch in port.epochs] == [epoch.metrics for epoch in whole.epochs]
