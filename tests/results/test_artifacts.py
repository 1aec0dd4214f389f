from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import optuna
import pytest

from tests.conftest import TINY, tuner_in
from tuner.results.artifacts import readable

NET = """\
from torch import nn

class Net(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        print("a net is made")

    def forward(self, images):
        return super().forward(images.flatten(1))
"""
SPACE = TINY[: TINY.index("model:")] + "model: {type: net.py:Net}\noptimizer: {type: SGD, lr: {float: [0.01, 0.1]}}\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with a study whose trials print and leave checkpoints, and what its run said."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "net.py").write_text(NET)
    (folder / "own.yaml").write_text(SPACE.replace("pruner: null", "pruner: null, keep: 2, checkpoint_interval: 0.001"))
    done = tuner_in(folder, "run", "--space", "own.yaml", "-q")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def shown(folder: Path, *arguments: str) -> Any:
    return json.loads(tuner_in(folder, "show", "tiny", *arguments, "--format", "json").stdout)


def test_a_run_says_at_its_end_how_much_its_checkpoints_take_and_where_they_are(ran: tuple[Path, str]) -> None:
    folder, said = ran
    files = list(folder.glob(".tuner/*/checkpoints/*.pt"))
    line = f"checkpoints: {readable(sum(file.stat().st_size for file in files))} of 2 trials in .tuner/"

    assert files
    assert line in said
    assert line in tuner_in(folder, "show", "tiny").stdout


def test_a_trial_is_shown_with_its_files_and_their_sizes(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    facts = next(trial for trial in shown(folder)["trials"] if trial["checkpoints"])

    text = tuner_in(folder, "show", "tiny", "--trial", str(facts["number"])).stdout
    elsewhere = tuner_in(
        folder.parent, "show", "tiny", "--trial", str(facts["number"]), "--storage", f"sqlite:///{folder}/studies.db"
    ).stdout

    assert re.search(rf"log +\.tuner/tiny-\w+/logs/{facts['number']}\.log \(14 bytes\)", text)
    assert re.search(rf"checkpoint +\.tuner/tiny-\w+/checkpoints/{facts['number']}\.pt \([\d.]+ kB\)", text)
    assert re.search(rf"log +{folder.name}/\.tuner/", elsewhere)


def test_data_formats_name_the_files_too(ran: tuple[Path, str]) -> None:
    folder, _ = ran

    trials = shown(folder)["trials"]

    assert [len(trial["checkpoints"]) > 0 for trial in trials].count(True) == 2
    for trial in trials:
        assert trial == shown(folder, "--trial", str(trial["number"]))
        assert Path(trial["log"]["path"]).read_text() == "a net is made\n"
        for file in trial["checkpoints"]:
            assert Path(file["path"]).stat().st_size == file["bytes"]


def test_a_checkpoint_that_is_being_written_is_none_yet(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    before = tuner_in(folder, "show", "tiny").stdout

    partial = next(folder.glob(".tuner/*/checkpoints")) / ".1.best.pt.partial"
    partial.write_bytes(b"half")
    after = tuner_in(folder, "show", "tiny")
    partial.unlink()

    assert after.stdout == before, after.stderr


def test_nothing_is_said_of_files_where_there_are_none(tmp_path: Path) -> None:
    study = optuna.create_study(study_name="tiny", storage=f"sqlite:///{tmp_path}/studies.db")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)

    assert "checkpoints" not in tuner_in(tmp_path, "show", "tiny").stdout
    assert "files" not in tuner_in(tmp_path, "show", "tiny", "--trial", "0").stdout
    assert (shown(tmp_path)["trials"][0]["log"], shown(tmp_path)["trials"][0]["checkpoints"]) == (None, [])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1200, "1.2 kB"), (123_456, "123 kB"), (999_700, "1.0 MB"), (3e12, "3.0 TB")],
)
def test_sizes_are_said_as_people_say_them(count: float, text: str) -> None:
    assert readable(count) == text
