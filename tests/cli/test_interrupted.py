"""The real command in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
import pytest
from typer.testing import CliRunner

from tests.conftest import TINY, command, environment, tuner_in, until
from tuner.cli import app
from tuner.search import tune

LONG = TINY.replace("epochs: 2", "epochs: 5000").replace("trials: 3", "trials: 2")


def epochs_in(folder: Path) -> int:
    """How many epochs a database holds, read so that nothing is made or locked."""
    try:
        with sqlite3.connect(f"file:{folder}/studies.db?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM trial_intermediate_values").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


def start(folder: Path) -> subprocess.Popen[str]:
    (folder / "long.yaml").write_text(LONG)
    before = epochs_in(folder)
    arguments = [*command(), "run", "--space", "long.yaml", "--study-name", "tiny"]
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until(lambda: epochs_in(folder) >= before + 2 or process.poll() is not None)
    return process


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_sets_the_trial_back_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = start(tmp_path)

    process.send_signal(number)
    _, told = process.communicate(timeout=120)

    assert process.returncode == code, told
    assert "the same command goes on with it" in told
    study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{tmp_path}/studies.db")
    assert [trial.state.name for trial in study.trials] == ["WAITING"]


@pytest.mark.slow
def test_a_killed_run_is_continued_under_its_own_number(tmp_path: Path) -> None:
    process = start(tmp_path)

    process.kill()
    process.communicate(timeout=120)
    left = [
        trial.state.name
        for trial in optuna.load_study(study_name="tiny", storage=f"sqlite:///{tmp_path}/studies.db").trials
    ]
    second = start(tmp_path)
    second.send_signal(signal.SIGINT)
    _, told = second.communicate(timeout=120)

    assert left == ["RUNNING"]
    assert "left running by a crash" in told
    study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{tmp_path}/studies.db")
    assert [(trial.state.name, trial.user_attrs["attempt"]) for trial in study.trials] == [("WAITING", 2)]


@pytest.mark.slow
def test_two_runs_of_one_study_are_one_too_many(tmp_path: Path) -> None:
    process = start(tmp_path)

    second = tuner_in(tmp_path, "run", "--space", "long.yaml", "--study-name", "tiny", "-q")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)

    assert second.returncode == 1
    assert f"process {process.pid}" in second.stderr


@pytest.mark.slow
def test_ctrl_c_of_a_terminal_ends_a_run_that_streams_its_data(tmp_path: Path) -> None:
    """A terminal sends the signal to the readers of the data too."""
    text = TINY.replace("type: digits,", "type: digits, loader: stream,").replace("epochs: 2", "epochs: 3000")
    (tmp_path / "tiny.yaml").write_text(text)
    run = [*command(), "run", "--space", "tiny.yaml", "--log-file", "log.jsonl"]
    process = subprocess.Popen(
        run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    log = tmp_path / "log.jsonl"
    until(lambda: log.exists() and log.read_text().count('"reported"') > 2)

    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert process.returncode == 130
    assert told.count("stopping at this epoch's end") == 1
    assert "Traceback" not in told


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked from a server")
def test_ctrl_c_of_a_terminal_while_workers_start_says_no_more_than_that(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    run = [*command(), "run", "--space", "long.yaml", "--workers", "2"]
    process = subprocess.Popen(
        run, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until(lambda: len(psutil.Process(process.pid).children()) >= 2)  # the tracker of resources, and the server
    time.sleep(0.5)  # that imports torch

    told = ""
    for _ in range(30):  # one that comes while a library is imported may be lost in it
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, told = process.communicate(timeout=5)
            break

    assert process.returncode in (130, -signal.SIGINT)  # in an import Python may end by it: a shell says 130
    assert "Traceback" not in told


def test_a_run_that_is_stopped_before_it_has_a_study_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tune, "run_with", interrupted)
    (tmp_path / "tiny.yaml").write_text(TINY)

    result = CliRunner().invoke(app, ["run", "--space", str(tmp_path / "tiny.yaml")])

    assert (result.exit_code, result.stderr) == (130, "tuner: stopped\n")


@pytest.mark.slow
def test_a_training_that_is_stopped_goes_on_with_the_same_command(tmp_path: Path) -> None:
    long = (
        "data: {type: digits, batch_size: 32}\nmodel: {type: MLP}\noptimizer: {type: Adam}\ntraining: {epochs: 400}\n"
    )
    (tmp_path / "fixed.yaml").write_text(long)
    call = [*command(), "train", "fixed.yaml", "-o", "final"]

    def stopped_after(signal_number: int) -> str:
        running = subprocess.Popen(call, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True)
        assert running.stderr
        first = next(line for line in running.stderr if line.startswith("epoch "))
        running.send_signal(signal_number)
        rest = running.stderr.read()
        assert running.wait(60) == 128 + signal_number
        assert "tuner: stopped; the same command goes on with it" in rest
        return first

    first = stopped_after(signal.SIGINT)
    second = stopped_after(signal.SIGTERM)

    assert first.startswith("epoch 1 of 400")
    assert not second.startswith("epoch 1 of 400")
