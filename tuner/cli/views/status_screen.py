"""`tuner status --watch`: a study on the whole terminal, redrawn until it is over or the user leaves."""

from __future__ import annotations

import contextlib
import datetime
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.cli.views.run_lines import named
from tuner.cli.views.status_lines import remarks, silence
from tuner.cli.views.status_wait import Awaited
from tuner.cli.views.trials_table import about
from tuner.cli.views.widgets import BAR_FROM, DETAILS_FROM, counted, cut, drawable, latest, stdout
from tuner.cli.views.wrapping import FAILED
from tuner.errors import UsageError
from tuner.results.progress import Overview, Running
from tuner.runtime.rounding import amount

LEAVE = "q"

LINES_PER_BEST = 6
"""Lines of a terminal for each shown trial of a front."""


def watched(study: str, lookout: Callable[[], Overview | Awaited], interval: float) -> Overview | None:
    """Show a study until the run that was waited for is over.

    Args:
        study: the name of the study.
        lookout: returns its current numbers, or what is waited for.
        interval: seconds between two looks.

    Returns:
        Its state at the end of the run; None if the user left before.

    Raises:
        UsageError: stdout is no terminal that can be drawn on.
        StudyError: the study has not come, or is gone.
        KeyboardInterrupt: the user has left by Ctrl-C; the terminal is as it was.
    """
    if not drawable(sys.stdout):
        raise UsageError("--watch needs a terminal to draw on: add --json for a line at each look, or leave it out")
    seen = lookout()
    with _ended_in_order(), Live(_drawn(study, seen), console=stdout(), screen=True) as live, _keys() as left_within:
        while isinstance(seen, Awaited) or not seen.over:
            if left_within(interval):
                return None
            seen = lookout()
            live.update(_drawn(study, seen), refresh=True)
    return seen


def _drawn(study: str, seen: Overview | Awaited) -> RenderableType:
    if isinstance(seen, Overview):
        return Screen(seen)
    if seen.seen is not None:
        return Screen(seen.seen, seen.reason)
    leave = cut(f"as of {datetime.datetime.now():%H:%M:%S}; {LEAVE} leaves", "dim")
    return Group(Text(study, style="bold"), Text(seen.reason), leave)


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Make SIGTERM unwind the stack, so that the terminal gets its text and its echo back."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits some seconds and returns whether the user wants to leave."""
    if not sys.stdin.isatty():
        yield _slept
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    try:
        yield lambda seconds: _left(keyboard, seconds)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _slept(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _left(keyboard: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while select.select([keyboard], [], [], max(0.0, deadline - time.monotonic()))[0]:
        typed = os.read(keyboard, 1024)
        if not typed or LEAVE in typed.decode(errors="replace").lower():  # nothing: the terminal is gone
            return True
    return False


@dataclass(frozen=True, slots=True)
class Screen:
    """The numbers of one look, drawn at the terminal's current size; `awaited` says what is missing."""

    seen: Overview
    awaited: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield everything that fits: a low terminal loses the ended trials, then the running ones."""
        width, height = console.size
        head = Group(*_head(self.seen, self.awaited, width, height))
        room = height - len(console.render_lines(head, options.update(height=None), pad=False))
        running = self.seen.running
        shown = running if len(running) <= room else running[: max(1, room - 1)]
        left = room - len(shown) - (len(shown) < len(running))
        yield head
        yield _running(shown, width)
        if len(shown) < len(running):
            yield cut(f"and {len(running) - len(shown)} more", "dim")
        yield from latest(self.seen.recent, self.seen.titles, left - 1, width)


def _head(seen: Overview, awaited: str, width: int, height: int) -> Iterator[RenderableType]:
    left = "" if seen.seconds_left is None else f", about {about(seen.seconds_left)} left"
    between = "  " if width >= DETAILS_FROM else "\n"
    states = Text("  ").join(counted(seen.states))
    yield Text.assemble((seen.study, "bold"), f"  {seen.ended} of {amount(seen.total, 'trial')}{left}{between}", states)
    if (leader := seen.leader) is not None and leader.value is not None:
        yield Text.assemble(
            "best ", (named(seen.titles, [leader.value]), "bold green"), f"  trial {leader.trial}, running"
        )
    title = "front " if len(seen.metrics) > 1 else "best " if leader is None else "best of those that ended "
    shown = seen.front[: max(1, height // LINES_PER_BEST)]
    for record in shown:
        yield Text.assemble(title, (named(seen.titles, record.values), "bold green"), f"  trial {record.number}")
    if len(shown) < len(seen.front):
        yield cut(f"and {len(seen.front) - len(shown)} more on the front", "dim")
    if told := seen.failures.sentence:
        yield Text(told, style=FAILED)
    yield from (Text(remark, style="dim") for remark in ([awaited] if awaited else remarks(seen)))
    yield cut(f"as of {seen.time:%H:%M:%S}; {LEAVE} leaves{', and the run goes on' * (not seen.over)}", "dim")


def _running(running: tuple[Running, ...], width: int) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        rows.add_column(no_wrap=True)
    rows.add_column()  # the one that gives way
    for one in running:
        rows.add_row(f"trial {one.trial}", *_course(one, width), _values(one, width))
    return rows


def _course(one: Running, width: int) -> tuple[RenderableType, str]:
    if not one.begun:
        return "", "begins"
    if one.waits:
        return "", "waits"
    if one.epochs is None:
        return "", f"epoch {one.epoch}"
    bar = ProgressBar(one.epochs, one.epoch, width=20 if width >= DETAILS_FROM else 8) if width >= BAR_FROM else ""
    at = f"{one.epoch}/{one.epochs}"
    return bar, f"epoch {at}" if width >= DETAILS_FROM else at


def _values(one: Running, width: int) -> Text:
    place = f"  worker {one.worker} {one.device} {one.host}" if one.host and width >= DETAILS_FROM else ""
    values = cut(named(list(one.values), list(one.values.values())))
    return values.append(silence(one), "yellow").append(place, "dim")
