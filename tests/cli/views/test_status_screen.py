"""The screen of `tuner status --watch`, and the terminal under it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tests.support.overviews import DRIVEN, TEN, made, seen
from tests.support.terminal import Terminal
from tuner.cli import app
from tuner.cli.views.status_screen import Screen, watched
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
