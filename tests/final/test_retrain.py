from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import tuner
from tests.conftest import TINY
from tuner import data
from tuner.config import On
from tuner.errors import DataError, Interrupted, TunerError, UsageError
from tuner.final.retrain import Final
from tuner.results import best_config
from tuner.results.results import Results
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.storage import open_storage
from tuner.study import load_study

FIXED = """\
study: {seed: 4}
data: {type: digits, batch_size: 32}
model: {type: CNN, channels: [8, 8], dropout: 0.1}
optimizer: {type: AdamW, lr: 0.01}
scheduler: {type: OneCycleLR, max_lr: 0.02}
training: {epochs: 3}
"""


@pytest.fixture(scope="module")
def fixed_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Final]:
    """A run folder that tests only read, and its results."""
    folder = tmp_path_factory.mktemp("fixed") / "run"
    return folder, tuner.train(Space.parse(FIXED), folder)


def test_a_trial_is_repeated_exactly_on_its_own_rows(tiny: Path, url: str, tmp_path: Path) -> None:
    result = tuner.run(tiny, storage=url)
    study = load_study(open_storage(url), "tiny")

    for record in result.study.records():
        final = tuner.train(
            best_config.filled_space(Results(study), record.number), tmp_path / str(record.number), on=On.TRAIN
        )

        assert record.epoch == len(final.epochs)
        for name in ("train_loss", "loss", "accuracy", "lr"):
            assert [epoch[name] for epoch in final.epochs] == record.history[name][: record.epoch]


@pytest.mark.parametrize(
    "scheduler",
    [
        {"type": "OneCycleLR", "max_lr": 0.1},
        {"type": "OneCycleLR", "max_lr": 0.1, "total_steps": 5 * 5},  # 1,150 of 1,797 rows in batches of 256
        {"type": "CyclicLR", "base_lr": 0.001, "max_lr": 0.1, "step_size_up": 7},
        {"type": "CosineAnnealingWarmRestarts", "T_0": 2},
        {"type": "ReduceLROnPlateau", "mode": "max", "patience": 0, "cooldown": 1, "threshold_mode": "abs"},
        {"type": "SequentialLR", "schedulers": [{"type": "LinearLR", "epochs": 2}, {"type": "CosineAnnealingLR"}]},
    ],
    ids=lambda scheduler: "-".join(map(str, scheduler)),
)
def test_on_more_rows_each_epoch_begins_with_the_rate_that_it_had_in_the_search(
    tmp_path: Path, url: str, scheduler: dict[str, Any]
) -> None:
    settings = {"scheduler": scheduler, "data.batch_size": 256, "training.epochs": 5, "objective.scope": "last"}
    space = Space.parse(FIXED, settings=[*settings.items(), ("search", {"trials": 1})])
    record = tuner.run(space, storage=url).study.records()[0]
    study = load_study(open_storage(url), space.name)

    final = tuner.train(best_config.filled_space(Results(study)), tmp_path / "run")

    assert [epoch["lr"] for epoch in final.epochs] == pytest.approx(list(record.history["lr"]), rel=1e-12)


def test_the_run_folder_gives_back_a_model_that_predicts_raw_inputs(fixed_run: tuple[Path, Final]) -> None:
    folder, final = fixed_run

    model = tuner.load_model(folder)

    section = Space.parse(FIXED).resolve(Corner(False, {})).data
    splits = data.for_final(section, ".", seed=4, on=On.ALL)
    assert splits.test is not None
    raw = splits.test.inputs
    assert isinstance(raw, torch.Tensor)
    accuracy = (model.predict(raw) == splits.test.targets).float().mean()
    assert float(accuracy) == pytest.approx(final.test["accuracy"], abs=1e-6)
    assert final.test["accuracy"] > 0.9
    assert torch.allclose(model.probabilities(raw[:5]).sum(1), torch.ones(5))
    assert model.classes == tuple("0123456789")
    assert not model.training
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "metrics.json",
        "model.json",
        "model.safetensors",
        "preprocessing.json",
        "report.html",
    ]


@pytest.mark.parametrize("given", [np.asarray, list, lambda images: images.tolist()], ids=["array", "arrays", "lists"])
def test_a_loaded_model_takes_arrays_as_it_takes_tensors(
    fixed_run: tuple[Path, Final], given: Callable[[Any], Any]
) -> None:
    model = tuner.load_model(fixed_run[0])
    images = load_digits().images[:300, None]

    told = model.probabilities(given(images))

    assert torch.equal(told, model.probabilities(torch.from_numpy(images)))


def test_a_loaded_model_refuses_complex_arrays(fixed_run: tuple[Path, Final]) -> None:
    with pytest.raises(DataError, match=r"complex numbers are not taken"):
        tuner.load_model(fixed_run[0]).predict(np.zeros((2, 1, 8, 8), dtype=complex))


def test_metrics_are_written_as_they_were_measured(tmp_path: Path) -> None:
    final = tuner.train(Space.parse(FIXED), tmp_path / "run", on=On.TRAIN, test=True)

    written = json.loads((tmp_path / "run" / "metrics.json").read_text())

    assert {key: written[key] for key in ("on", "epochs", "test")} == {
        "on": "train",
        "epochs": final.epochs,
        "test": final.test,
    }
    assert [epoch["epoch"] for epoch in written["epochs"]] == [1, 2, 3]
    assert set(written["test"]) == {"accuracy", "precision", "recall", "f1", "loss"}


def test_on_all_rows_the_schedule_keeps_its_epochs_and_training_stops_after_the_best(tmp_path: Path) -> None:
    space = Space.parse(FIXED, settings=[("provenance", {"seed": 9, "epoch": 2, "threads": 1})])

    final = tuner.train(space, tmp_path / "run")

    assert len(final.epochs) == 2
    assert "accuracy" not in final.epochs[0]
    whole = tuner.train(
        Space.parse(FIXED, settings=[("provenance", {"seed": 9, "epoch": 3, "threads": 1})]), tmp_path / "whole"
    )
    assert [epoch["lr"] for epoch in final.epochs] == [epoch["lr"] for epoch in whole.epochs][:2]


def test_own_code_travels_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, in_features, num_classes): super().__init__(in_features, num_classes)\n"
        "    def forward(self, images): return super().forward(images.flatten(1))\n"
    )
    space = Space.parse(FIXED, base=tmp_path, settings=[("model", {"type": "net.py:Net"})])
    tuner.train(space, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    (tmp_path / "net.py").unlink()

    model = tuner.load_model(tmp_path / "moved")

    assert model.predict(torch.zeros(2, 1, 8, 8)).shape == (2,)


def test_a_space_with_holes_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"still has holes \(model.hidden.length, model.hidden.0 and model.hidden.1 and 4 more\)"
    ):
        tuner.train(tiny, tmp_path / "run")

    assert not (tmp_path / "run").exists()


def test_only_a_run_folder_is_replaced_and_only_when_told_so(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "precious").touch()
    tuner.train(Space.parse(FIXED), tmp_path / "run")
    (tmp_path / "run" / "stale").touch()

    with pytest.raises(UsageError, match="is there already"):
        tuner.train(Space.parse(FIXED), tmp_path / "run")
    with pytest.raises(UsageError, match="is no run folder"):
        tuner.train(Space.parse(FIXED), tmp_path / "thesis", overwrite=True)
    tuner.train(Space.parse(FIXED), tmp_path / "run", overwrite=True)

    assert not (tmp_path / "run" / "stale").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "thesis"]
    assert (tmp_path / "thesis" / "precious").exists()


def test_a_training_that_diverges_leaves_nothing_behind(tmp_path: Path) -> None:
    space = Space.parse(FIXED, settings=[("optimizer", {"type": "SGD", "lr": 1e38}), ("scheduler", None)])

    with pytest.raises(TunerError, match="training diverged at epoch 1"):
        tuner.train(space, tmp_path / "run")

    assert list(tmp_path.iterdir()) == []


def test_a_plateau_without_a_validation_split_is_said(tmp_path: Path) -> None:
    space = Space.parse(FIXED, settings=[("scheduler", {"type": "ReduceLROnPlateau"})])

    assert "watched the training rows" in tuner.train(space, tmp_path / "all").notes[0]
    assert tuner.train(space, tmp_path / "train", on=On.TRAIN).notes == []


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no run folder"):
        tuner.load_model(tmp_path)


def test_tuning_and_final_training_agree_on_the_tiny_space(tiny: Path) -> None:
    assert Space.load(tiny).identity() == Space.parse(TINY).identity()


def stop_after(stop: int) -> Callable[[int, int, object], None]:
    """An observer that interrupts a training after an epoch."""

    def observe(epoch: int, last: int, metrics: object) -> None:
        if epoch == stop:
            raise Interrupted(2)

    return observe


def test_an_interrupted_training_goes_on_and_ends_with_the_same_model(tmp_path: Path) -> None:
    space = Space.parse(FIXED.replace("epochs: 3", "epochs: 3, ema: 0.9"))
    whole = tuner.train(space, tmp_path / "whole")
    for stop in (1, 2):
        with pytest.raises(Interrupted):
            tuner.train(space, tmp_path / "parts", observe=stop_after(stop))
    seen: list[int] = []

    parts = tuner.train(space, tmp_path / "parts", observe=lambda epoch, last, metrics: seen.append(epoch))

    assert seen == [3]
    assert parts.epochs == whole.epochs
    model = "model.safetensors"
    assert (tmp_path / "parts" / model).read_bytes() == (tmp_path / "whole" / model).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "whole"]


def test_a_training_of_another_config_begins_anew(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        tuner.train(Space.parse(FIXED), tmp_path / "final", observe=stop_after(2))

    final = tuner.train(Space.parse(FIXED.replace("lr: 0.01", "lr: 0.02")), tmp_path / "final")
    alone = tuner.train(Space.parse(FIXED.replace("lr: 0.01", "lr: 0.02")), tmp_path / "alone")

    assert final.epochs == alone.epochs
