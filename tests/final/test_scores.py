"""What a run folder says of itself, against scikit-learn on what its model predicts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as reference
import torch
from sklearn.datasets import load_breast_cancer

import tuner
from tuner.data.preprocessing.standardize import Scale
from tuner.errors import SpaceError, UsageError
from tuner.final.retrain import Final
from tuner.space import Space

CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(120, 2))
Y = 10 * X[:, 0] + CHANCE.normal(size=120)
PLACES = {"near": (0.0, 1.0), "unix": (1.7e9, 1.0), "tiny": (0.0, 1e-30), "huge": (0.0, 1e30)}


def regression(folder: Path, place: str, loss: str = "MSELoss") -> tuple[Final, pd.DataFrame]:
    """A short training on the same numbers elsewhere, with the rows that it was tested on as a file of their own."""
    shift, factor = PLACES[place]
    frame = pd.DataFrame(X * factor + shift, columns=["a", "b"]).assign(y=Y * factor + shift)
    frame[:90].to_csv(folder / f"{place}.csv", index=False, float_format="%.17g")
    frame[90:].to_csv(folder / f"{place}-test.csv", index=False, float_format="%.17g")
    text = f"""\
    objective: {{metric: mape}}
    data: {{type: csv, path: {place}.csv, test_path: {place}-test.csv, target: y, task: regression}}
    model: {{type: MLP, hidden: [8]}}
    loss: {{type: {loss}}}
    optimizer: {{type: Adam, lr: 0.05}}
    training: {{epochs: 15}}
    """
    return tuner.train(Space.parse(text, base=str(folder)), folder / f"run-{place}"), frame[90:]


@pytest.mark.parametrize("place", PLACES)
def test_a_regression_predicts_what_it_was_scored_by(tmp_path: Path, place: str) -> None:
    shift, factor = PLACES[place]
    final, rows = regression(tmp_path, place)

    table = tuner.predict(final.folder, tmp_path / f"{place}-test.csv")

    truth = (rows["y"].to_numpy() - shift) / factor
    given = (table["prediction"].to_numpy() - shift) / factor
    assert table["prediction"].dtype == np.float64
    assert final.test["rmse"] / factor == pytest.approx(reference.root_mean_squared_error(truth, given), rel=1e-5)
    assert final.test["mae"] / factor == pytest.approx(reference.mean_absolute_error(truth, given), rel=1e-5)
    assert final.test["r2"] == pytest.approx(reference.r2_score(truth, given), abs=1e-6)
    assert final.test["mape"] == pytest.approx(np.abs((truth - given) * factor / rows["y"]).mean(), rel=1e-4)
    assert 0.9 < final.test["r2"] < 1


@pytest.mark.parametrize("place", ["unix", "tiny", "huge"])
def test_a_regression_learns_the_same_wherever_its_numbers_lie(tmp_path: Path, place: str) -> None:
    near, far = regression(tmp_path, "near")[0], regression(tmp_path, place)[0]

    for one, other in zip(near.epochs, far.epochs, strict=True):
        assert other["train_loss"] == pytest.approx(one["train_loss"], rel=1e-3)
    assert far.test["rmse"] / PLACES[place][1] == pytest.approx(near.test["rmse"], rel=1e-3)


def test_the_scale_of_the_target_is_saved_in_full(tmp_path: Path) -> None:
    final, _ = regression(tmp_path, "unix")

    kept = Scale.of(json.loads((final.folder / "model.json").read_text())["target_scale"])

    assert float(kept.mean) == pytest.approx(1.7e9 + Y[:90].mean(), abs=1e-5)
    assert float(kept.std) == pytest.approx(Y[:90].std(), rel=1e-7)


def test_a_regression_has_no_probabilities(tmp_path: Path) -> None:
    final, _ = regression(tmp_path, "near")

    with pytest.raises(UsageError, match="a regression gives no class probabilities"):
        tuner.load_model(final.folder).probabilities(pd.DataFrame(X, columns=["a", "b"]))


def cancer(folder: Path, loss: str, metric: str, positive: str | None = "yes") -> tuple[Final, pd.DataFrame]:
    """A short training on few columns of a real table with classes no and yes, and its test rows."""
    frame = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 30]]
    frame = frame.set_axis(["a", "b", "c", "y"], axis=1).replace({"y": {0: "yes", 1: "no"}})
    frame[:400].to_csv(folder / "train.csv", index=False)
    frame[400:].to_csv(folder / "test.csv", index=False)
    text = f"""\
    objective: {{metric: {metric}, positive: {positive or "null"}}}
    data: {{type: csv, path: train.csv, test_path: test.csv, target: y}}
    model: {{type: Linear}}
    loss: {{type: {loss}}}
    optimizer: {{type: Adam, lr: 0.05}}
    training: {{epochs: 3}}
    """
    return tuner.train(Space.parse(text, base=str(folder)), folder / "run", overwrite=True), frame[400:]


@pytest.mark.parametrize("loss", ["CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"])
def test_probabilities_are_those_of_the_loss_and_score_as_scikit_learn_scores_them(tmp_path: Path, loss: str) -> None:
    final, rows = cancer(tmp_path, loss, "roc_auc")
    model = tuner.load_model(final.folder)

    table = tuner.predict(final.folder, tmp_path / "test.csv")

    outputs = model(rows.drop(columns="y")).detach()
    softmax = loss in ("CrossEntropyLoss", "NLLLoss")
    likely = torch.softmax(outputs, 1) if softmax else 1 / (1 + torch.exp(-outputs))
    assert model.classes == ("no", "yes")
    assert np.allclose(table[["probability_no", "probability_yes"]].to_numpy(), likely.numpy(), atol=1e-6)
    truth, guessed = rows["y"] == "yes", table["prediction"] == "yes"
    assert final.test["f1"] == pytest.approx(reference.f1_score(truth, guessed), rel=1e-6)
    assert final.test["recall"] == pytest.approx(reference.recall_score(truth, guessed), rel=1e-6)
    assert final.test["precision"] == pytest.approx(reference.precision_score(truth, guessed), rel=1e-6)
    assert final.test["roc_auc"] == pytest.approx(reference.roc_auc_score(truth, table["probability_yes"]), abs=1e-4)


def test_a_margin_is_no_probability_and_ranks_all_the_same(tmp_path: Path) -> None:
    final, rows = cancer(tmp_path, "MultiMarginLoss", "pr_auc")
    model = tuner.load_model(final.folder)

    table = tuner.predict(final.folder, tmp_path / "test.csv")

    assert not [name for name in table.columns if name.startswith("probability")]
    with pytest.raises(UsageError, match="gives no class probabilities"):
        model.probabilities(rows.drop(columns="y"))
    outputs = model(rows.drop(columns="y")).detach()
    expected = reference.average_precision_score(rows["y"] == "yes", outputs[:, 1] - outputs[:, 0])
    assert final.test["pr_auc"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "metric", "positive", "message"),
    [
        ("MultiMarginLoss", "log_loss", None, r"objective\.metric: log_loss needs class probabilities that sum to 1"),
        ("CrossEntropyLoss", "f1", "Yes", r"objective\.positive: there is no class Yes \(did you mean yes\?\)"),
    ],
)
def test_what_a_goal_cannot_have_is_refused_before_training(
    tmp_path: Path, loss: str, metric: str, positive: str | None, message: str
) -> None:
    with pytest.raises(SpaceError, match=message):
        cancer(tmp_path, loss, metric, positive)


def test_the_page_of_a_run_states_the_positive_class(tmp_path: Path) -> None:
    final, _ = cancer(tmp_path, "CrossEntropyLoss", "f1")

    page = (final.folder / "report.html").read_text()
    assert final.titles["f1"] == "f1 (positive: yes)"
    assert "f1 (positive: yes)" in page
    assert "recall (positive: yes)" in page
