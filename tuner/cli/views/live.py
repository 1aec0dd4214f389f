"""The view of a run on stderr: a live one in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live

from tuner.cli.views.capture import above_the_view
from tuner.cli.views.run_lines import lines_of
from tuner.cli.views.run_screen import screen
from tuner.cli.views.run_state import Progress
from tuner.cli.views.widgets import drawable
from tuner.search.events import Event, Observer


@contextlib.contextmanager
def view(quiet: bool) -> Iterator[Observer]:
    """Yield an observer that shows events, for as long as the context lasts."""
    if quiet:
        yield lambda event: None
    elif drawable(sys.stderr):
        with above_the_view() as console:
            yield from _live(console)
    else:
        yield _lines(Console(file=sys.stderr))  # as it is now: a run sends what trials print to their logs too


def _live(console: Console) -> Iterator[Observer]:
    progress = Progress()

    def drawn() -> Group:
        _fit(console)
        return screen(progress, console)

    with Live(
        console=console,
        get_renderable=drawn,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield progress.see


def _fit(console: Console) -> None:
    """Set the console's size from its own terminal; rich asks the standard streams, which may lead elsewhere."""
    columns, lines = os.get_terminal_size(console.file.fileno())
    if columns and lines and "COLUMNS" not in os.environ:
        console.size = ConsoleDimensions(columns, lines)


def _lines(console: Console) -> Observer:
    progress = Progress()

    def observe(event: Event) -> None:
        progress.see(event)
        for line in lines_of(event, progress):
            console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)

    return observe
