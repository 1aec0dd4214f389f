"""`tuner stop` and `tuner trial`: what they ask for, and what they refuse."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import TINY, command, environment, tuner_in, until
from tests.support.asking import complete, opened
from tuner import storage
from tuner.cli import app
from tuner.errors import TunerError
from tuner.protocol import Outcome, State
from tuner.storage.requests import Action, Requests


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, TunerError), result.output
    return str(result.exception)


def test_a_study_without_a_run_has_nothing_to_stop(url: str) -> None:
    opened(url, TINY)

    assert refused("stop", "tiny", "--storage", url) == "study tiny: no run works on it; there is nothing to stop"
    assert "no study" in refused("stop", "tinny", "--storage", url)


def test_stop_names_the_process_and_leaves_the_request_to_it(url: str) -> None:
    opened(url, TINY)

    with storage.join(url, "tiny"):
        result = CliRunner().invoke(app, ["stop", "tiny", "--storage", url], catch_exceptions=False)

    assert result.output.startswith("asked process ")
    assert [request.action for request in Requests(url, "tiny").pending()] == [Action.STOP_STUDY]


def test_only_a_trial_that_has_not_ended_can_be_stopped(url: str) -> None:
    trials = opened(url, TINY)
    complete(trials, 0.75)
    waiting = trials.ask().number

    ended = refused("trial", "tiny", "0", "stop", "--storage", url)
    absent = refused("trial", "tiny", "7", "stop", "--storage", url)
    result = CliRunner().invoke(app, ["trial", "tiny", str(waiting), "stop", "--storage", url], catch_exceptions=False)

    assert ended == "trial 0 of study tiny has ended: it is complete"
    assert "has no trial 7" in absent
    assert result.output == "trial 1 of study tiny stops at its next epoch's end\n"
    assert [(each.action, each.trial) for each in Requests(url, "tiny").pending()] == [(Action.STOP_TRIAL, 1)]


def test_words_in_another_order_are_refused_with_the_order(url: str) -> None:
    told = refused("trial", "tiny", "stop", "3", "--storage", url)

    assert told == "stop: must be the number of a trial; the order is `tuner trial STUDY N stop`"


def test_an_ignored_trial_is_said_to_be_ignored_wherever_it_is_shown(url: str, tmp_path: Path) -> None:
    trials = opened(url, TINY)
    complete(trials, 0.75)
    complete(trials, 0.5)

    def said(*arguments: str) -> str:
        return CliRunner().invoke(app, [*arguments, "--storage", url], catch_exceptions=False).output

    assert said("trial", "tiny", "0", "ignore") == "trial 0 of study tiny is ignored; `--undo` counts it again\n"
    assert "1 trial is ignored and left out of all below: 0" in said("show", "tiny")
    assert "complete, ignored by" in said("show", "tiny", "--trial", "0")
    assert '"ignored": {' in said("show", "tiny", "--trial", "0", "--format", "json")
    assert "2 complete, 1 ignored" in said("list")
    exported = said("export", "tiny", "--trial", "0", "-o", str(tmp_path / "it.yaml"))
    assert "ignores" in exported
    assert said("trial", "tiny", "0", "ignore", "--undo") == "trial 0 of study tiny counts again\n"
    assert "ignored" not in said("show", "tiny")


def test_what_was_asked_of_a_deleted_study_is_asked_of_no_later_one_of_its_name(url: str) -> None:
    trials = opened(url, TINY)
    trials.ask()
    trials.tell(Outcome(0, 1, State.FAILED, cause="as asked"))

    asked = CliRunner().invoke(app, ["trial", "tiny", "0", "retry", "--storage", url], catch_exceptions=False)
    pending = [request.action for request in Requests(url, "tiny").pending()]
    CliRunner().invoke(app, ["delete", "tiny", "--yes", "--storage", url], catch_exceptions=False)

    assert asked.output == "trial 0 of study tiny runs again; without a run at work, the next `tuner run` trains it\n"
    assert pending == [Action.RETRY_TRIAL]
    assert list(Requests(url, "tiny").pending()) == []


def test_a_user_without_a_name_asks_with_a_number(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> None:
        raise KeyError(number)

    opened(url, TINY).ask()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)

    Requests(url, "tiny").post(Action.STOP_TRIAL, 0)

    assert Requests(url, "tiny").pending()[0].actor == f"uid {os.getuid()}@{socket.gethostname()}"


ENDLESS = """\
import time

def fit(config, report):
    for epoch in range(1, 100_000):
        time.sleep(0.02)
        report(epoch, score=config["x"] * epoch)
"""
SPACE = """\
study: {name: endless}
search: {trials: 2, pruner: null}
objective: {function: "fit.py:fit", metric: score, direction: maximize}
x: {float: [0, 1]}
"""


@pytest.mark.slow
def test_a_run_of_two_workers_is_steered_from_another_terminal(tmp_path: Path) -> None:
    (tmp_path / "fit.py").write_text(ENDLESS)
    (tmp_path / "endless.yaml").write_text(SPACE)
    call = [*command(), "run", "endless.yaml", "--workers", "2"]
    pipe = subprocess.PIPE
    run = subprocess.Popen(call, cwd=tmp_path, env=environment(), stdout=pipe, stderr=pipe, text=True)

    def state(trial: int) -> str:
        return tuner_in(tmp_path, "show", "endless", "--trial", str(trial)).stdout

    until(lambda: "epochs:" in state(0) and "epochs:" in state(1), 180)
    assert tuner_in(tmp_path, "trial", "endless", "0", "stop").returncode == 0
    until(lambda: "pruned, stopped by" in state(0), 60)
    assert "running" in state(1)
    assert tuner_in(tmp_path, "stop", "endless").returncode == 0
    said = "".join(run.communicate(timeout=60))

    assert run.returncode == 130, said
    assert "stops this run" in said
    assert state(1).startswith("trial 1 of study endless: waiting")
