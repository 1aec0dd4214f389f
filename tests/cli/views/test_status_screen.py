"""The screen of `tuner status --watch`, and the terminal under it."""

from __future__ import annotations

import io
import os
import pty
import select
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.cli.test_status import DRIVEN, TEN, made, seen
from tuner.cli import app
from tuner.cli.views.status_screen import Screen, watched
from tuner.cli.views.status_wait import Awaited
from tuner.errors import UsageError
from tuner.results.progress import Overview

ALTERNATE, USUAL = b"\x1b[?1049h", b"\x1b[?1049l"
"""What shows a terminal's second screen, and its first again."""


@pytest.fixture
def busy(url: str) -> Overview:
    """Five trials of ten have ended, three run."""
    ended = [replace(made(i, "complete", 200 - i, 100), values=(0.5 + i / 10,), epoch=2) for i in range(5)]
    return seen(url, [*ended, *(made(i, "running", 30, 20, epochs=1) for i in range(5, 8))], DRIVEN, TEN)


def drawn(numbers: Overview, width: int, height: int, encoding: str = "utf-8") -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(Screen(numbers))
    return [line.rstrip() for line in captured.get().encode(encoding, errors="replace").decode(encoding).splitlines()]


def test_the_screen_has_the_study_its_trials_and_the_latest_that_ended(busy: Overview) -> None:
    lines = drawn(busy, 80, 24)

    assert lines[0].startswith("tiny  5 of 10 trials, about 0:")
    assert "best accuracy 0.9  trial 4" in lines
    assert "run by process 1 on here" in lines
    assert sum(line.startswith("trial ") and "epoch 1/2" in line for line in lines) == 3
    assert any(line.endswith("worker 0 cpu here") for line in lines)
    assert [line.split()[:3] for line in lines if "complete" in line][1:] == [
        [str(i), "complete", f"{0.5 + i / 10:g}"] for i in (4, 3, 2, 1, 0)
    ]
    assert any(line.endswith("q leaves, and the run goes on") for line in lines)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 12), (40, 9), (30, 6)])
def test_it_is_never_wider_or_higher_than_the_terminal(busy: Overview, width: int, height: int) -> None:
    crowded = replace(busy, running=busy.running * 5, front=busy.front * 8)

    for numbers in (busy, crowded):
        lines = drawn(numbers, width, height)
        assert max(map(len, lines)) <= width
        assert any(line.startswith("trial") for line in lines)
        if height >= 9:
            assert len(lines) <= height


def test_it_can_be_drawn_in_ascii(busy: Overview) -> None:
    assert any("---" in line for line in drawn(busy, 80, 24, "ascii"))


class Terminal:
    """A pseudo terminal in place of stdin and stdout."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.leader, self._follower = pty.openpty()
        self._before = termios.tcgetattr(self._follower)
        self._stdin = os.fdopen(os.dup(self._follower))
        self._stdout = os.fdopen(os.dup(self._follower), "w", encoding="utf-8")

    def watch(self, look: Callable[[], Overview | Awaited]) -> Overview | None:
        with self._monkeypatch.context() as patched:
            patched.setenv("TERM", "xterm-256color")
            patched.setattr(sys, "stdin", self._stdin)
            patched.setattr(sys, "stdout", self._stdout)
            return watched("tiny", look, 0.01)

    def type(self, keys: str) -> None:
        os.write(self.leader, keys.encode())

    @property
    def shown(self) -> bytes:
        read = b""
        while select.select([self.leader], [], [], 0.1)[0]:
            read += os.read(self.leader, 1 << 16)
        return read

    @property
    def as_before(self) -> bool:
        return termios.tcgetattr(self._follower) == self._before

    def close(self) -> None:
        self._stdin.close()
        self._stdout.close()
        os.close(self.leader)
        os.close(self._follower)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    opened = Terminal(monkeypatch)
    yield opened
    opened.close()


def after(numbers: Overview, act: Callable[[], object]) -> Callable[[], Overview]:
    """Looks that always find the same, the second of which comes with something else."""
    looks = iter([lambda: None, act])

    def look() -> Overview:
        next(looks, lambda: None)()
        return numbers

    return look


def test_q_leaves_and_the_terminal_is_as_it_was(busy: Overview, terminal: Terminal) -> None:
    assert terminal.watch(after(busy, lambda: terminal.type("xq"))) is None

    shown = terminal.shown
    assert shown.index(ALTERNATE) < shown.index(b"tiny") < shown.index(USUAL)
    assert terminal.as_before


def test_control_c_leaves_and_the_terminal_is_as_it_was(busy: Overview, terminal: Terminal) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        terminal.watch(after(busy, interrupt))

    assert terminal.shown.endswith(b"\x1b[?25h" + USUAL)
    assert terminal.as_before


def test_it_ends_by_itself_when_nothing_works_on_the_study_any_more(
    busy: Overview, terminal: Terminal, url: str
) -> None:
    rest = seen(url, [made(0, "complete", 200, 100)], {}, TEN)
    looks = iter([busy, busy, rest])

    assert terminal.watch(lambda: next(looks)) is rest


def test_without_a_terminal_it_is_refused_in_a_sentence(busy: Overview, url: str) -> None:
    with pytest.raises(UsageError, match="--watch needs a terminal to draw on: add --json"):
        watched("tiny", lambda: busy, 1.0)

    assert CliRunner().invoke(app, ["status", "tiny", "--watch", "--storage", url]).exit_code == 1
