"""Every file of search_spaces/ goes the whole way: run, report, export, train, predict."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer

import tuner
from tests.conftest import ROOT
from tuner.space import Space

SPACES = ROOT / "search_spaces"
SMALL: dict[str, list[tuple[str, object]]] = {
    "linear.yaml": [("data.rows", 2000)],
    "mlp.yaml": [],
    "cnn.yaml": [],
    "tabular.yaml": [],
    "image_folder.yaml": [("training.epochs", 3)],
    "text_rnn.yaml": [],
    "transfer.yaml": [("data.valid", 0.1), ("data.test", 0.8)],  # few rows: a step of ResNet-18 takes long
    "multi_objective.yaml": [("objective.constraints", None)],
    "own_code.yaml": [],
}


def inputs_for(name: str, folder: Path) -> Path:
    """What the model of a space predicts from."""
    if name == "text_rnn.yaml":
        return SPACES / "data" / "docstrings.csv"
    if name == "tabular.yaml":
        load_breast_cancer(as_frame=True).data.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    if name in ("linear.yaml", "own_code.yaml"):
        width = 1 if name == "linear.yaml" else 13
        pd.DataFrame([[0.5] * width, [1.5] * width]).to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    return SPACES / "data" / "digits" / "7"


def test_every_file_is_tried_here() -> None:
    assert set(SMALL) == {file.name for file in SPACES.glob("*.yaml")}


QUICK = {"linear.yaml", "tabular.yaml", "own_code.yaml"}
"""The spaces that are tried each time; the others are networks that train for longer."""


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in sorted(SMALL)]
)
def test_a_space_goes_the_whole_way(name: str, tmp_path: Path, url: str) -> None:
    settings = [("training.epochs", 1), ("search.pruner", None), *SMALL[name]]

    result = tuner.run(SPACES / name, storage=url, n_trials=2, settings=settings)
    tuner.report(result.study.name, tmp_path / "report.html", storage=url)
    tuner.export(result.study.name, tmp_path / "best.yaml", trial=result.front[0].number, storage=url)
    final = tuner.train(tmp_path / "best.yaml", tmp_path / "run")
    told = tuner.predict(tmp_path / "run", inputs_for(name, tmp_path), tmp_path / "out.csv")

    assert len(result.study.records()) == 2
    assert (tmp_path / "report.html").stat().st_size > 100_000
    assert set(final.test) >= {"loss"}
    assert len(told) >= 2
    assert "prediction" in pd.read_csv(tmp_path / "out.csv").columns


@pytest.mark.parametrize("code", ["own_code.py", str(SPACES / "own_code.py")], ids=["relative", "absolute"])
def test_a_run_folder_moves_with_its_model(code: str, tmp_path: Path) -> None:
    settings = [("model.width", 8), ("model.depth", 1), ("training", {"epochs": 1}), ("optimizer.lr", 0.01)]
    tuner.train(Space.load(SPACES / "own_code.yaml", [*settings, ("model.type", f"{code}:Residual")]), tmp_path / "run")

    shutil.move(tmp_path / "run", tmp_path / "elsewhere")

    assert (tmp_path / "elsewhere" / "own_code.py").exists()
    assert "type: own_code.py:Residual" in (tmp_path / "elsewhere" / "config.yaml").read_text()

    assert tuner.load_model(tmp_path / "elsewhere").classes == ("class_0", "class_1", "class_2")
