"""`tuner logs`: what trials print, at once and as it grows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import tuner
from tests.conftest import command, environment, tuner_in, until
from tuner.cli import app
from tuner.errors import TunerError

SPACE = """\
study: {name: chatty}
search: {trials: 2, pruner: null, sampler: {type: RandomSampler}}
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
"""
FIT = """\
import os, sys, time

def fit(config, report):
    for epoch in range(1, 4):
        while os.path.exists("wait") and epoch == 2:
            time.sleep(0.01)
        print("grüße", epoch)
        report(epoch, score=epoch)
    sys.stderr.write("no line end")
"""


@pytest.fixture
def chatty(tmp_path: Path) -> Path:
    (tmp_path / "fit.py").write_text(FIT)
    (tmp_path / "chatty.yaml").write_text(SPACE)
    return tmp_path


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["logs", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_output_of_one_trial_and_of_all(chatty: Path, url: str) -> None:
    tuner.run(chatty / "chatty.yaml", storage=url)

    assert printed("chatty", "--trial", "1", "--storage", url) == "grüße 1\ngrüße 2\ngrüße 3\nno line end\n"
    assert printed("chatty", "--storage", url).splitlines() == [
        f"[{trial}] {line}" for trial in (0, 1) for line in ("grüße 1", "grüße 2", "grüße 3", "no line end")
    ]
    assert printed("chatty", "--follow", "--trial", "0", "--storage", url).endswith("no line end\n")


def test_a_trial_that_is_not_there_is_refused(chatty: Path, url: str) -> None:
    tuner.run(chatty / "chatty.yaml", storage=url)

    result = CliRunner().invoke(app, ["logs", "chatty", "--trial", "7", "--storage", url])

    assert isinstance(result.exception, TunerError)
    assert "has no trial 7" in str(result.exception)


@pytest.mark.slow
def test_output_is_followed_to_the_end_of_the_run(chatty: Path) -> None:
    (chatty / "wait").touch()
    pipe = subprocess.PIPE
    run = subprocess.Popen(
        [*command(), "run", "chatty.yaml"], cwd=chatty, env=environment(), stdout=pipe, stderr=pipe, text=True
    )
    until(lambda: "grüße 1" in tuner_in(chatty, "logs", "chatty").stdout, 180)
    following = subprocess.Popen(
        [*command(), "logs", "chatty", "-f"], cwd=chatty, env=environment(), stdout=pipe, text=True
    )
    assert following.stdout is not None
    first = following.stdout.readline()
    (chatty / "wait").unlink()
    rest = following.communicate(timeout=120)[0]

    assert first == "[0] grüße 1\n"
    assert rest.endswith("[1] grüße 3\n[1] no line end\n")
    assert (run.wait(60), following.returncode) == (0, 0)
