"""The fused engine gives what the serial one gives, trial by trial and epoch by epoch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.support.lanes import Settings, assert_same, epochs, fused, job_of, resolved, serial, trials
from tests.support.ports import FakePort, Verdicts
from tuner.config import Config
from tuner.engines.fused import Fused, autotune, held_trials, lanes
from tuner.engines.fused.forward import Forward
from tuner.engines.fused.group_signature import Signature, signature_of
from tuner.protocol import Epoch, Fixed, State, Verdict
from tuner.training import Job, Replicates, Run

LANES: list[Settings] = [
    {"model.dropout": 0.2},
    {"model.dropout": 0.5, "optimizer.lr": 0.02, "optimizer.momentum": 0.5},
    {"loss": {"type": "CrossEntropyLoss", "label_smoothing": 0.2}, "optimizer.weight_decay": 0.01},
    {"scheduler": {"type": "OneCycleLR", "max_lr": 0.2}, "training.clip": 0.5},
    {"scheduler": {"type": "CosineAnnealingLR"}, "training.epochs": 2},
]
MODELS: dict[str, Settings] = {
    "Linear": {"model": {"type": "Linear"}},
    "MLP": {"model": {"type": "MLP", "hidden": [16, 8], "dropout": 0.3}},
    "MLP with batch norm": {"model": {"type": "MLP", "hidden": [16, 8], "dropout": 0.3, "batch_norm": True}},
    "CNN": {"model": {"type": "CNN", "channels": [4, 8], "dropout": 0.3}},
    "accumulated": {"training.accumulate": 2, "data.batch_size": 64},
    "balanced": {"training.class_weights": "balanced", "training.accumulate": 2},
    "bf16": {"training.precision": "bf16"},
}


@pytest.mark.parametrize("settings", MODELS.values(), ids=MODELS)
def test_fused_trials_give_the_metrics_of_separate_ones(settings: Settings) -> None:
    without_dropout = settings.get("model", {}).get("type") == "Linear"
    several = [
        {**settings, **{k: v for k, v in lane.items() if not (without_dropout and k == "model.dropout")}}
        for lane in LANES
    ]
    job = job_of(settings)

    found = fused(job, trials(several))

    assert "train together" in found.notes[0]
    assert_same(found, serial(job, trials(several)), tolerance=2e-2 if "training.precision" in settings else 1e-4)


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "RMSprop"])
def test_so_they_do_with_other_optimizers(optimizer: str) -> None:
    several = [{"optimizer": {"type": optimizer, "lr": lr, "weight_decay": 0.01}} for lr in (1e-3, 3e-3, 1e-2)]
    job = job_of()

    assert_same(fused(job, trials(several)), serial(job, trials(several)), tolerance=1e-3)


def test_a_regression_is_fused_in_the_units_of_its_targets() -> None:
    several: list[Settings] = [
        {"data": {"type": "diabetes", "batch_size": 64}, "optimizer.lr": lr, "loss": None} for lr in (0.01, 0.02)
    ]
    job = job_of(several[0])
    found, expected = fused(job, trials(several)), serial(job, trials(several))

    assert "train together" in found.notes[0]
    for key, metrics in epochs(expected).items():
        assert epochs(found)[key] == pytest.approx(metrics, rel=1e-3)


def test_a_lane_that_ends_makes_room_for_a_trial_that_waits() -> None:
    given = trials([{"optimizer.lr": 0.01 * (1 + number)} for number in range(6)])
    verdicts: Verdicts = {(0, 1): Verdict.STOP, (2, 2): Verdict.STOP}
    job = job_of()

    found = fused(job, given, width=3, verdicts=verdicts)

    assert_same(found, serial(job, given, verdicts))
    order = [(epoch.trial, epoch.epoch) for epoch in found.epochs]
    assert order[:3] == [(0, 1), (1, 1), (2, 1)]
    assert order[3:6] == [(1, 2), (2, 2), (3, 1)]  # trial 3 in the lane of trial 0, at an epoch of its own


def test_a_lane_that_diverges_ends_alone() -> None:
    given = trials([{"optimizer.lr": lr} for lr in (0.1, 1e30, 0.05)])
    job = job_of()

    found = fused(job, given)

    assert [o.trial for o in found.outcomes if o.state is State.DIVERGED] == [1]
    assert_same(found, serial(job, given))


@pytest.mark.parametrize("model", [{"type": "MLP", "hidden": [16]}, {"type": "CNN", "channels": [4, 8]}])
@pytest.mark.parametrize(
    "optimizer", [{"type": "Adam"}, {"type": "SGD", "momentum": 0.9}, {"type": "RMSprop"}], ids=lambda one: one["type"]
)
def test_a_lane_that_is_suspended_goes_on_alone_where_it_stood(
    model: dict[str, object], optimizer: dict[str, object]
) -> None:
    common = {"model": model, "training.epochs": 4}
    given = trials([{**common, "optimizer": {**optimizer, "lr": lr}} for lr in (1e-4, 1e-3)])
    job = job_of(common)
    cut = fused(job, given, verdicts={2: Verdict.SUSPEND})
    assert {outcome.state for outcome in cut.outcomes} == {State.SUSPENDED}

    port = FakePort(*(replace(trial, attempt=2, interrupted=True) for trial in given))
    port.checkpoints.update(cut.checkpoints)
    Fused(job, 1e9, 30, 16, 8, forced=True)(port)

    assert [(epoch.trial, epoch.epoch) for epoch in port.epochs] == [(0, 3), (0, 4), (1, 3), (1, 4)]
    whole = epochs(serial(job, given))
    for key, metrics in epochs(port).items():
        assert metrics["loss"] == pytest.approx(whole[key]["loss"], rel=1e-3)


def test_trials_that_have_not_begun_are_given_back_when_the_run_closes() -> None:
    given = trials([{"optimizer.lr": 0.01 * (1 + number)} for number in range(6)])

    found = fused(job_of(), given, width=2, verdicts={(1, 1): Verdict.SUSPEND, (0, 1): Verdict.SUSPEND})

    assert found.held == 0
    assert {outcome.state for outcome in found.outcomes} == {State.SUSPENDED}
    assert {epoch.trial for epoch in found.epochs} == {0, 1}


def test_a_recurrent_network_trains_in_turn_and_that_is_said_once_with_the_reason() -> None:
    settings: Settings = {"model": {"type": "RNN", "hidden_size": 4}, "training.epochs": 1}
    job = job_of(settings)

    found = fused(job, trials([settings] * 5), forced=False)

    assert [note for note in found.notes if "in turn" in note] == [
        "RNN, batches of 128: trials train in turn: torch.vmap does not take LSTM"
    ]
    assert_same(found, serial(job, trials([settings] * 5)), tolerance=0)


def test_as_many_rows_are_scored_at_once_as_are_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    scoring = Forward.scoring

    def scored(self: Forward, tensors: dict[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        rows.append(len(inputs))
        return scoring(self, tensors, inputs)

    monkeypatch.setattr(Forward, "scoring", scored)

    fused(job_of(), trials([{"training.epochs": 1}] * 16), width=16)

    assert max(rows) == 128


def test_trials_of_which_no_four_are_alike_train_in_turn_and_are_not_asked_for_early(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[Replicates] = []

    def signed(runs: Replicates, config: Config) -> Signature:
        looked_at.append(runs)
        return signature_of(runs, config)

    monkeypatch.setattr(held_trials, "signature_of", signed)
    given = trials([{"model.hidden": [4 + number], "training.epochs": 1} for number in range(20)])

    found = fused(job_of(), given, width=32, forced=False)

    assert found.notes == ["of the first 10 trials, fewer than 4 can train together: they train in turn"]
    assert found.most_held == 10
    assert len(looked_at) == 10  # of those after them nothing hangs on it
    assert len(found.outcomes) == 20


def test_no_more_trials_are_in_hand_than_the_others_can_learn_from() -> None:
    given = trials([{"optimizer.lr": 0.001 * (1 + number), "training.epochs": 1} for number in range(60)])

    found = fused(job_of(), given, width=32, forced=False)

    assert found.most_held <= 20
    assert len(found.outcomes) == 60


def test_an_epoch_says_how_many_trained_together() -> None:
    given = trials([{"optimizer.lr": 0.01}, {"optimizer.lr": 0.02}, {"model.hidden": [4]}])

    found = fused(job_of(), given)

    assert {epoch.trial: epoch.lanes for epoch in found.epochs} == {0: 2, 1: 2, 2: 1}


def test_trials_that_memory_has_no_room_for_train_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autotune, "free", lambda device: 100_000)
    given = trials([{"optimizer.lr": lr} for lr in (0.1, 0.05)])
    job = job_of()

    found = fused(job, given)

    assert "the memory has no room for two" in found.notes[0]
    assert_same(found, serial(job, given), tolerance=0)


@pytest.mark.parametrize(("room", "builds"), [(100_000, 2), (10**12, 1)])
def test_a_model_waits_as_long_as_memory_allows_and_is_built_again_where_it_does_not(
    monkeypatch: pytest.MonkeyPatch, room: int, builds: int
) -> None:
    built: list[int] = []
    build = Run.build

    def counted(job: Job, config: Config, seed: int, fixed: Fixed | None = None) -> Run:
        built.append(seed)
        return build(job, config, seed, fixed)

    monkeypatch.setattr(Run, "build", counted)
    monkeypatch.setattr(autotune, "free", lambda device: room)
    given = trials([{"model.hidden": [16 + i]} for i in range(5)])

    found = fused(job_of(), given, forced=False)

    assert "fewer than 4 can train together" in found.notes[0]
    assert built.count(given[-1].seed) == builds
    assert sorted(set(built)) == [trial.seed for trial in given]


def test_lanes_that_fail_together_train_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: lanes.Lanes, epochs: list[int]) -> torch.Tensor:
        raise RuntimeError("out of lanes")

    monkeypatch.setattr(lanes.Lanes, "train_epoch", fail)
    given = trials([{"optimizer.lr": lr} for lr in (0.1, 0.05, 0.02)])
    job = job_of()

    found = fused(job, given)

    assert "together they failed (RuntimeError: out of lanes)" in found.notes[-1]
    assert_same(found, serial(job, given), tolerance=0)


def test_what_the_port_raises_is_not_taken_for_a_fault_of_the_lanes() -> None:
    class Broken(FakePort):
        def report(self, epoch: Epoch) -> Verdict:
            raise ConnectionError("the driver is gone")

    port = Broken(*trials([{}, {}, {}, {}]))

    with pytest.raises(ConnectionError):
        Fused(job_of(), 1e9, 30, 8, 4, forced=True)(port)


def test_what_is_expected_of_a_kind_of_trial_is_its_part_of_those_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    expected: list[float] = []

    def measured(
        build: object, source: object, most: int, steps: float, forced: bool, pays: float, unit: int
    ) -> autotune.GroupWidth:
        expected.append(steps)
        return autotune.GroupWidth(1, "as asked")

    monkeypatch.setattr(autotune, "measure", measured)
    given = trials([{"model.hidden": [8 if number < 6 else 16], "training.epochs": 1} for number in range(10)])
    job = job_of()

    Fused(job, 1e9, 200, 10, 8, forced=False)(FakePort(*given))

    steps = len(job.dataset(resolved({})[1].data).train) / 128
    assert expected == pytest.approx([200 * 6 / 10 * steps, 200 * 4 / 10 * steps])
