"""The real command on several studies in one SQLite file at once, one of which is killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from tests.conftest import command, environment, until
from tuner.errors import StorageError, StudyError
from tuner.storage import open_storage

STUDIES = ("first", "second", "third")
SPACE = """\
study: {{name: {name}}}
search: {{trials: 25, sampler: {{type: RandomSampler}}, pruner: null}}
objective: {{function: "fit.py:fit", metric: score, direction: maximize}}
x: {{float: [0, 1]}}
training: {{epochs: 5}}
"""
FIT = """\
import time

def fit(config, report):
    for epoch in range(1, config["training"]["epochs"] + 1):
        time.sleep(0.01)
        report(epoch, score=config["x"] * epoch)
"""


def started(folder: Path, name: str) -> subprocess.Popen[str]:
    (folder / f"{name}.yaml").write_text(SPACE.format(name=name))
    call = [*command(), "run", f"{name}.yaml", "--workers", "1"]
    out = (folder / f"{name}.out").open("a")
    return subprocess.Popen(call, cwd=folder, env=environment(), stdout=out, stderr=out, text=True, process_group=0)


def trials(folder: Path, name: str) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/studies.db").trials


def begun(folder: Path, name: str) -> int:
    try:
        storage = open_storage(f"sqlite:///{folder}/studies.db")
        study = optuna.load_study(study_name=name, storage=storage)
    except (StudyError, StorageError, KeyError):  # the file, its tables or the study are not there yet
        return 0
    return sum(trial.state.is_finished() for trial in study.trials)


@pytest.mark.slow
def test_studies_run_side_by_side_in_one_new_file_and_a_killed_one_goes_on_alone(tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text(FIT)
    runs = {name: started(tmp_path, name) for name in STUDIES}
    until(lambda: begun(tmp_path, "second") >= 3 or any(run.poll() for run in runs.values()), 180)
    os.killpg(runs["second"].pid, signal.SIGKILL)

    assert [runs[name].wait(180) for name in ("first", "third")] == [0, 0]
    assert runs["second"].wait() == -signal.SIGKILL
    assert started(tmp_path, "second").wait(180) == 0

    for name in STUDIES:
        assert [trial.state for trial in trials(tmp_path, name)] == [TrialState.COMPLETE] * 25, name
        said = (tmp_path / f"{name}.out").read_text()
        assert "waits" not in said
        assert "locked" not in said
