"""A logger is a file with a context and a line of the list: `tuner run` gets its option and shows it every event."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tuner.cli import loggers, run
from tuner.cli.loggers import LOGGERS, Logger, Targets, logged, with_loggers
from tuner.search.events import Event, Noted, Observer

EVENTS: list[Event] = [Noted("one"), Noted("two")]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a logger that exists for a test has written; its option is `--board`."""
    lines: list[str] = []

    @contextlib.contextmanager
    def log_to(target: str) -> Iterator[Observer]:
        lines.append(f"open {target}")
        yield lambda event: lines.append(str(event))
        lines.append("close")

    module: Any = ModuleType("tuner.cli.views.board_log")
    module.log_to = log_to
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(loggers, "LOGGERS", [*LOGGERS, Logger("board", "board_log", "DIR", "Draw every event there.")])
    return lines


def test_it_sees_every_event_before_the_screen_does_and_is_closed_at_the_end(written: list[str]) -> None:
    seen: list[str] = []

    with logged({"board": "runs"}, lambda event: seen.append(f"{event} after {len(written)} lines")) as observe:
        for event in EVENTS:
            observe(event)

    assert written == ["open runs", str(EVENTS[0]), str(EVENTS[1]), "close"]
    assert seen == [f"{EVENTS[0]} after 2 lines", f"{EVENTS[1]} after 3 lines"]


def test_a_logger_that_is_not_asked_for_stays_closed(written: list[str]) -> None:
    with logged({}, lambda event: None) as observe:
        observe(EVENTS[0])

    assert written == []


@pytest.mark.usefixtures("written")
def test_a_command_gets_an_option_of_each_logger() -> None:
    given: list[Targets] = []

    @with_loggers
    def go(name: str = "x", targets: Targets = {}, quiet: bool = False) -> None:  # noqa: B006 nothing changes it
        given.append(targets)

    app = typer.Typer()
    app.command()(go)

    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    for arguments in (["--board", "runs", "--name", "y"], [], ["--log-file", "a.jsonl", "--board", "b"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0

    assert "--board" in shown
    assert "Draw every event there." in shown
    assert given == [{"board": "runs"}, {}, {"log_file": "a.jsonl", "board": "b"}]
    assert list(inspect.signature(go).parameters) == ["name", "log_file", "board", "quiet"]


def test_every_logger_of_the_list_is_an_option_of_run() -> None:
    assert {logger.parameter for logger in LOGGERS} <= inspect.signature(run.run).parameters.keys()
