"""Every table states the average of a metric, or the class that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer
from typer.testing import CliRunner

from tuner.cli import app

SPACE = """\
study: {name: sick}
search: {trials: 2, pruner: null}
objective: {GOAL}
data: {type: csv, path: sick.csv, target: sick}
model: {type: Linear}
optimizer: {type: SGD, lr: {float: [1e-2, 1e-1], log: true}}
training: {epochs: 2}
"""


def printed(*arguments: object) -> str:
    """What a command prints, on both streams, its lines as wide as they are."""
    done = CliRunner(env={"COLUMNS": "240", "NO_COLOR": "1"}).invoke(app, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def space(folder: Path, goal: str) -> Path:
    frame = load_breast_cancer(as_frame=True).frame.iloc[:200, [0, 1, 30]]
    frame = frame.set_axis(["radius", "texture", "sick"], axis=1).replace({"sick": {0: "yes", 1: "no"}})
    frame.to_csv(folder / "sick.csv", index=False)
    (folder / "sick.yaml").write_text(SPACE.replace("{GOAL}", goal))
    return folder / "sick.yaml"


def tables(file: Path, url: str) -> Sequence[str]:
    """Those of check, run, show, a trial, list, the report, final training and its page."""
    folder = file.parent
    stored = ("--storage", url)
    texts = [
        printed("check", "--space", file),
        printed("run", "--space", file, *stored),
        printed("show", "sick", *stored),
        printed("show", "sick", "--trial", 0, *stored),
        printed("list", *stored),
    ]
    printed("report", "sick", "-o", folder / "report.html", *stored)
    trained = printed("train", "--study", "sick", "-o", folder / "run", *stored)
    return [*texts, trained, (folder / "report.html").read_text(), (folder / "run" / "report.html").read_text()]


@pytest.mark.parametrize(
    ("goal", "title"),
    [("{metric: f1, positive: yes}", "f1 (positive: yes)"), ("{metric: pr_auc}", "pr_auc (macro)")],
)
def test_every_table_says_what_its_metric_is_of(tmp_path: Path, url: str, goal: str, title: str) -> None:
    for text in tables(space(tmp_path, goal), url):
        assert title in text


@pytest.mark.parametrize(("goal", "of"), [("{metric: f1, positive: yes}", "positive: yes"), ("{metric: f1}", "macro")])
def test_the_lines_of_final_training_say_so_of_each_epoch(tmp_path: Path, goal: str, of: str) -> None:
    file = space(tmp_path, goal)
    file.write_text(file.read_text().replace("{float: [1e-2, 1e-1], log: true}", "0.1"))

    lines = printed("train", file, "--on", "train", "-o", tmp_path / "run").splitlines()

    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 2
    assert all(f"precision ({of})" in line and f"recall ({of})" in line and f"f1 ({of})" in line for line in epochs)


def test_a_name_between_colons_is_no_emoji(tmp_path: Path, url: str) -> None:
    (tmp_path / "own.py").write_text(
        "import torch\n\ndef one():\n    x = torch.randn(200, 2)\n    return x, (x[:, 0] > 0).float()\n"
    )
    file = space(tmp_path, "{metric: rmse}")
    file.write_text(file.read_text().replace("{type: csv, path: sick.csv, target: sick}", '{type: "own.py:one"}'))

    assert "own.py:one: targets are floats, 0 and 1: taken for regression" in printed(
        "run", "--space", file, "--storage", url
    )
