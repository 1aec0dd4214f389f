"""Failures by cause: how many trials failed, and why."""

from __future__ import annotations

import html
import textwrap

import plotly.graph_objects as go

from tuner.plots.base import COLOURS, Plot, Table
from tuner.protocol import State
from tuner.results.failures import FAILURES, Failure
from tuner.results.results import Results

MOST_CAUSES = 12
"""Largest number of causes in the figure. The table has up to `MOST_ROWS`."""

MOST_ROWS = 100

LONGEST_LINE = 28
"""Largest number of letters of a cause in each of the two lines at its bar."""


def failures(results: Results) -> Plot:
    """Draw one bar per cause of failure."""
    title, found = "Failures by cause", results.failures.causes
    if not found:
        return Plot(title, "", None, "no trial has failed")
    colours = dict(zip(FAILURES, COLOURS[1:], strict=True))
    drawn = found[:MOST_CAUSES]
    figure = go.Figure(
        go.Bar(
            x=[each.count for each in drawn],
            y=list(map(_label, drawn)),
            width=0.6,
            text=[f"{each.count}" for each in drawn],
            orientation="h",
            marker={"color": [colours[each.state] for each in drawn]},
            hovertext=[html.escape(f"{each.state}: {each.cause[:300]}") for each in drawn],
            hoverinfo="text",
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title_text="Trials")
    figure.update_layout(height=110 + 44 * len(drawn))
    total, pruned = sum(each.count for each in found), sum(record.state is State.PRUNED for record in results.records)
    caption = (
        f"{total} of {len(results.records)} trials failed. The number in brackets is a trial that failed in that way."
    )
    caption += f" {pruned} were pruned, which is no failure." if pruned else ""
    if len(found) > len(drawn):
        caption += f" The {len(drawn)} most common of {len(found)} causes are drawn."
    rows = tuple((each.state, each.cause, each.count, each.example) for each in found[:MOST_ROWS])
    told = f"{len(found)} causes of failure, the most common {found[0].state} in {found[0].count} trials"
    return Plot(title, caption, figure, told=told, table=Table(("Ended as", "Cause", "Trials", "Example"), rows))


def _label(failure: Failure) -> str:
    """Return the label of a cause, in two lines at most."""
    text = f"{failure.state}: {failure.cause}" if failure.cause else failure.state
    lines = textwrap.wrap(f"{text.partition(chr(10))[0]} (trial {failure.example})", LONGEST_LINE)
    shown = [*lines[:1], f"{lines[1]} … (trial {failure.example})"] if len(lines) > 2 else lines
    return "<br>".join(map(html.escape, shown))
