"""The same `tuner run` at a server resumes a study, raises its total, and refuses another space."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import until
from tests.support.api_clients import listening
from tests.support.asking import opened
from tuner.cli import app
from tuner.client import Client
from tuner.errors import NotOpened, StudyError, UsageError
from tuner.service.queue.lifecycle import JobState
from tuner.service.server_options import ServerOptions

SPACE = """\
study: {name: far}
search: {trials: 6}
objective: {remote: true, metric: loss, direction: minimize}
x: {float: [0, 1]}
"""


@pytest.fixture
def link(url: str) -> Iterator[str]:
    """A server where nothing runs."""
    with listening(ServerOptions(storage=url)) as found:
        yield found


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "far.yaml"
    file.write_text(SPACE)
    return file


def called(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    if result.exception is not None:
        raise result.exception
    return result.output


def test_the_same_command_resumes_what_rests_and_raises_the_total(link: str, space: Path) -> None:
    run = ("run", str(space), "--server", link, "--detach")
    study = Client(link).study

    def reaches(state: JobState) -> None:
        until(lambda: study("far").state is state, 60)

    assert "study far is submitted: http://" in called(*run)
    for way, state in (((), JobState.SUSPENDED), (("--cancel",), JobState.CANCELLED)):
        called("stop", "far", *way, "--server", link)
        reaches(state)
        assert ": http://" in called(*run)
        reaches(JobState.RUNNING)
    called(*run, "--n-trials", "8", "--priority", "3")
    called(*run)

    assert study("far").detail.settings["n_trials"] == 8
    assert study("far").detail.priority == 3


def test_another_space_is_refused_with_what_differs(link: str, space: Path) -> None:
    called("run", str(space), "--server", link, "--detach")
    space.write_text(SPACE.replace("0, 1", "0, 2"))

    with pytest.raises(StudyError, match=r"far has another space; run it with --study-name NEW(.|\n)*x: .*1.*2"):
        called("run", str(space), "--server", link, "--detach")


def test_cancel_needs_a_server(url: str) -> None:
    with pytest.raises(UsageError, match="--cancel needs a server"):
        called("stop", "far", "--cancel", "--storage", url)


def test_a_delete_without_an_answer_names_the_option(url: str) -> None:
    opened(url)

    with pytest.raises(UsageError, match="give --yes"):
        called("delete", "tiny", "--storage", url)


def test_a_remote_study_that_no_worker_trains_waits_for_workers(link: str, space: Path) -> None:
    called("run", str(space), "--server", link, "--detach")
    study = Client(link).study("far")
    until(lambda: study.state is JobState.RUNNING, 60)
    trial = study.ask()
    assert trial is not None
    trial.report(1, loss=0.5)
    while_trained = called("status", "far", "--server", link)
    trial.complete()

    told = called("status", "far", "--server", link)

    assert "waits for workers" not in while_trained
    assert told.splitlines()[-1] == "it is running: waits for workers"


def test_a_study_without_a_trial_is_there_and_says_where_it_stands(link: str, space: Path) -> None:
    called("run", str(space), "--server", link, "--detach", "--priority", "3")
    study = Client(link).study("far")
    until(lambda: study.state is JobState.RUNNING, 60)

    assert study.trials == study.best_trials == []
    assert study.best_value is None
    stands = "study far is running: waits for workers; it has no trial yet"
    for command in ("show", "status"):
        assert called(command, "far", "--server", link) == f"{stands}\n"
    absent = json.loads(called("status", "far", "--json", "--server", link))
    assert (absent["phase"], absent["reason"]) == ("absent", stands)
    for refused in (("show", "far", "--trial", "0"), ("logs", "far"), ("trial", "far", "0", "stop")):
        with pytest.raises(NotOpened, match=stands):
            called(*refused, "--server", link)
    assert re.search(r"far +running +local +3 ", called("list", "--server", link))
    called("stop", "far", "--cancel", "--server", link)
    until(lambda: study.state is JobState.CANCELLED, 60)
    assert called("delete", "far", "--yes", "--server", link) == "deleted far\n"
