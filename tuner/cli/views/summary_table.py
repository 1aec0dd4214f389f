"""A study as `tuner show` prints it: its facts, its course, its best trials and important parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.cli.views.sparkline import bar, sparkline
from tuner.cli.views.widgets import DETAILS_FROM, NOTHING, cut, stdout
from tuner.cli.views.wrapping import FAILED, say
from tuner.runtime.rounding import rounded, value_text

if TYPE_CHECKING:
    from tuner.results.importances import Importance
    from tuner.results.summary import Course, Summary

GAP = 2
"""Spaces between the columns of a table."""

MOST_BARS = 10
"""Largest number of parameters with a bar."""

WIDEST_BAR, NARROWEST_BAR, SHARE_WIDTH = 40, 8, len("100%")

WHY_WIDTH = 20
"""Columns of the terminal for the reasons of trials that ended early."""


def print_summary(summary: Summary, kept: str) -> None:
    """Print a summary to stdout, in the terminal's width.

    Args:
        summary: the summary of the study.
        kept: a phrase about its files; empty prints nothing.
    """
    console = stdout()
    say(summary.headline)
    if summary.failures.causes:
        say(summary.failures.sentence, FAILED)
    for line in summary.notes:
        say(line)
    for part in _parts(summary, console):
        console.print(part)
    if kept:
        say(f"\n{kept}")


def _parts(summary: Summary, console: Console) -> Iterator[RenderableType]:
    plain = console.options.ascii_only
    if any(course.values for course in summary.courses):
        yield ""
        yield _courses(summary.courses, console.width, plain)
    if summary.top:
        yield ""
        if not summary.goal.single and summary.front:
            shown = f", {len(summary.top)} shown" if len(summary.top) < summary.front else ""
            yield cut(f"front of {summary.front}{shown}:", "dim")
        details = console.width >= DETAILS_FROM
        parameters = _parameters_shown(summary, console.width, details)
        if details and len(more := _parameters_shown(summary, console.width, False)) > len(parameters):
            details, parameters = False, more  # what a trial was matters more than how long it took
        yield _top(summary, details, parameters)
        if left := len(summary.parameters) - len(parameters):
            yield cut(f"and {left} more parameter{'s' * (left > 1)} (--trial N)", "dim")
    for metric, found in zip(summary.goal.titles, summary.importances, strict=True):
        told = [importance for importance in found.ranked if importance.told]
        if told:
            yield ""
            yield cut(f"importance for {metric}:", "dim")
            yield _bars(told[:MOST_BARS], console.width, plain)
        if found.doubt:
            if not told:
                yield ""
            yield Text(found.doubt if told else f"importance for {metric}: {found.doubt}", "dim")


def _courses(courses: Sequence[Course], width: int, plain: bool) -> Table:
    """Return two lines per objective, its values and the best so far: first value, course, last value."""
    rows = [row for course in courses for row in ((course.metric, course.values), ("best so far", course.best))]
    firsts, lasts = ([rounded(values[end]) for _, values in rows] for end in (0, -1))
    name_width = min(max(cell_len(name) for name, _ in rows), width // 3)
    room = width - name_width - max(map(len, firsts)) - max(map(len, lasts)) - 3 * GAP
    table = _named(name_width)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for (name, values), first, last in zip(rows, firsts, lasts, strict=True):
        table.add_row(Text(name), first, Text(sparkline(values, max(1, room), plain), style="cyan"), last)
    return table


def _named(name_width: int) -> Table:
    table = Table.grid(padding=(0, GAP, 0, 0))
    table.add_column(no_wrap=True, width=name_width)
    return table


def _parameters_shown(summary: Summary, width: int, details: bool) -> list[str]:
    """Return the parameters that fit beside a trial's other columns, the most important first."""
    left = width - (WHY_WIDTH if any(record.why for record in summary.top) else 0)
    left -= sum(map(_width, _facts(summary, details)))
    shown = []
    for name in summary.parameters:
        if (needed := _width(_column(summary, name))) <= left:
            shown.append(name)
            left -= needed
    return shown


def _column(summary: Summary, name: str) -> tuple[str, list[str]]:
    """Return the title of a parameter's column, and its value in each trial."""
    return name.replace(".", ".\n"), [value_text(record.params.get(name)) for record in summary.top]


def _top(summary: Summary, details: bool, parameters: Sequence[str]) -> Table:
    """Return a row per trial, with these parameters, and the reason of an early end."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    reasons = [record.why for record in summary.top]
    columns = [*_facts(summary, details), *(_column(summary, name) for name in parameters)]
    for title, _ in columns:
        table.add_column(title, justify="left" if title == "state" else "right", no_wrap=True)
    if any(reasons):
        table.add_column("why", overflow="fold")
        columns.append(("why", reasons))
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*map(Text, row))
    return table


def _facts(summary: Summary, details: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield the columns that are no parameters, each with its title."""
    top = summary.top
    yield "trial", [str(record.number) for record in top]
    if not all(record.complete for record in top):
        yield "state", [record.state for record in top]
    for i, metric in enumerate(summary.goal.titles):
        if any(record.values for record in top):
            yield metric, [rounded(record.values[i]) if record.values else NOTHING for record in top]
    if details and any(record.epoch for record in top):
        yield "epoch", [str(record.epoch or NOTHING) for record in top]
    if details:
        yield "seconds", [value_text(record.seconds) for record in top]


def _width(column: tuple[str, Sequence[str]]) -> int:
    title, cells = column
    return max(map(cell_len, [*title.split("\n"), *cells])) + GAP


def _bars(ranked: Sequence[Importance], width: int, plain: bool) -> Table:
    longest = max(cell_len(importance.name) for importance in ranked)
    name_width = min(longest, width - NARROWEST_BAR - SHARE_WIDTH - 2 * GAP)
    bar_width = min(WIDEST_BAR, width - name_width - SHARE_WIDTH - 2 * GAP)
    table = _named(name_width)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for importance in ranked:
        share = round(importance.overall, 2)  # what is shown as 0 % has no bar
        table.add_row(Text(importance.name), f"{share:.0%}", Text(bar(share, bar_width, plain), style="cyan"))
    return table
