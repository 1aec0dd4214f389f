"""Parts that several terminal views share."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tuner.cli.views.wrapping import edged
from tuner.protocol import State
from tuner.runtime.rounding import rounded, value_text

if TYPE_CHECKING:
    from tuner.study import Record, TrialStatus

BAR_FROM, DETAILS_FROM = 48, 72
"""Minimum terminal widths for progress bars and for all columns."""

PIPED_WIDTH = 200
"""Width of output that is no terminal and sets none: a file has no edge at which to cut numbers."""

UNBOUNDED = 10_000
"""A width in columns beyond any table."""

NOTHING = "null"
"""The spelling of a missing value."""

STYLES: Mapping[TrialStatus, str] = {
    State.COMPLETE: "green",
    State.PRUNED: "yellow",
    State.FAILED: "red",
    State.TIMED_OUT: "red",
    State.LOST: "red",
    State.DIVERGED: "magenta",
    State.OUT_OF_MEMORY: "magenta",
}


def stdout() -> Console:
    """Return the console on stdout; characters that its encoding lacks become a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(markup=False, highlight=False, emoji=False, width=None if edged(sys.stdout) else PIPED_WIDTH)


def drawable(stream: TextIO) -> bool:
    """Return whether a stream is a terminal on which lines can be redrawn."""
    return stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def cut(text: str, style: str = "") -> Text:
    """Return text on one line, cut at its width."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def counted(states: Mapping[TrialStatus, int]) -> list[Text]:
    """Return the number of trials in each state, in the state's colour."""
    return [Text(f"{count} {state}", STYLES.get(state, "")) for state, count in list(states.items())]


def latest(ended: Iterable[Record], metrics: Sequence[str], most: int, width: int) -> Iterator[Table]:
    """Yield a table of the latest ended trials on at most `most` lines; nothing without any."""
    recent = list(ended)[::-1][: max(0, most)]
    if not recent:
        return
    details = ("epoch", "seconds") if width >= DETAILS_FROM else ()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", "state", *metrics, *details):
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    table.add_column("why")
    for record in recent:
        values = [rounded(value) for value in record.values] or [NOTHING] * len(metrics)
        state = Text(record.state, style=STYLES.get(record.state, ""))
        facts = [str(record.epoch or NOTHING), value_text(record.seconds)][: len(details)]
        table.add_row(str(record.number), state, *values, *facts, cut(record.why))
    yield table
