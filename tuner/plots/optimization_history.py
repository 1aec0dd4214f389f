"""The history of a search: each trial's value, and the best so far."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go

from tuner.goal import Direction, Goal
from tuner.plots.base import (
    COLOURS,
    GREY,
    Plot,
    Table,
    clip,
    even,
    losses,
    short,
    thinned,
    thinning,
    titled,
    whole_ticks,
)
from tuner.protocol import State
from tuner.results.results import Results
from tuner.study import Record

FEWEST = 2
"""Trials that the plot needs."""

LONGEST_CAUSE = 120
"""Largest number of letters of a reason in a hover text."""

LATEST_ROWS = 12
"""Largest number of table rows: the latest improvements."""


def history(results: Results, i: int = 0) -> Plot:
    """Draw each trial's value in objective `i`, the best so far, and pruned trials at their last value.

    Trials without a value are crosses below.
    """
    goal, records = results.goal, results.counted
    title, metric = titled("Optimization history", goal, i), goal.titles[i]
    complete = [record for record in records if record.complete and record.values]
    if not complete:
        return Plot(title, "", None, "no trial is complete yet")
    if len(records) < FEWEST:
        return Plot(title, "", None, f"needs {FEWEST} trials")
    chosen, pruned = results.sound, _pruned(records, i)
    shown, better = thinned(complete, losses(goal, i)), improvements(chosen, goal, i)
    figure = go.Figure(
        [
            *_stopped(pruned, metric),
            *_points([record for record in shown if record.feasible], i, metric, "Trial", COLOURS[0], "circle"),
            *_points([record for record in shown if not record.feasible], i, metric, "Out of bounds", GREY, "x"),
            *_best(better, complete[-1].number, i),
        ]
    )
    figure.update_layout(xaxis={"title": {"text": "Trial"}, **whole_ticks(records[-1].number)}, yaxis_title=metric)
    caption = f"Each point is a complete trial, the line the best {metric} so far." + thinning(
        len(shown), len(complete)
    )
    if pruned:
        caption += " Open circles are pruned trials at the last value that they reported."
    valueless = {record.number for record, _ in pruned}
    caption += _add_rug(
        figure, [each for each in records if each.cause and not each.complete and each.number not in valueless]
    )
    outside = [record.values[i] for record in complete if not record.feasible]
    near, far = _halves([value for _, value in pruned], goal.directions[i])
    within = [*(record.values[i] for record in chosen), *near]
    caption += clip(figure, within, goal.directions[i], besides=[*outside, *far])
    return Plot(title, caption, figure, told=_told(better, metric, i), table=_table(better, metric, i))


def _pruned(records: Sequence[Record], i: int) -> list[tuple[Record, float]]:
    """Return the pruned trials with their last finite value in objective `i`, at most `MOST_POINTS`."""
    stopped = even([record for record in records if record.state is State.PRUNED])
    found = [(record, last) for record in stopped if (last := _last_value(record, i)) is not None]
    return [(record, value) for record, value in found if math.isfinite(value)]


def _halves(values: Sequence[float], direction: Direction) -> tuple[list[float], list[float]]:
    """Return the better half, which the axis must show, and the worse half."""
    ranked = sorted(values, reverse=direction is Direction.MAXIMIZE)
    return ranked[: len(ranked) // 2 + 1], ranked[len(ranked) // 2 + 1 :]


def _last_value(record: Record, i: int) -> float | None:
    """Return the last value that a trial reported, else its final value in objective `i`."""
    if record.reports:
        return record.reports[max(record.reports)]
    return record.values[i] if record.values else None


def _stopped(pruned: Sequence[tuple[Record, float]], metric: str) -> Iterator[go.Scatter]:
    if pruned:
        yield go.Scatter(
            x=np.array([record.number for record, _ in pruned], dtype=np.int32),
            y=np.array([value for _, value in pruned]),
            mode="markers",
            name="Pruned",
            marker={"color": GREY, "symbol": "circle-open", "size": 7},
            hovertext=[
                html.escape(
                    f"trial {record.number}: {metric} {short(value)}, {record.cause[:LONGEST_CAUSE] or 'pruned'}"
                )
                for record, value in pruned
            ],
            hoverinfo="text",
        )


def _add_rug(figure: go.Figure, ended_early: Sequence[Record]) -> str:
    """Add crosses for trials without a value, on an axis of their own; return a sentence about them."""
    if not ended_early:
        return ""
    figure.add_trace(_rug(even(ended_early)))
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})
    return " The crosses below are trials that ended early: hover to see why."


def improvements(chosen: Sequence[Record], goal: Goal, i: int = 0) -> list[Record]:
    """Return the trials, in their order, that are better in objective `i` than all before."""
    better: list[Record] = []
    for record in chosen:
        if not better or goal.directions[i].better(record.values[i], better[-1].values[i]):
            better.append(record)
    return better


def _points(shown: Sequence[Record], i: int, metric: str, name: str, colour: str, symbol: str) -> Iterator[go.Scatter]:
    if shown:
        yield go.Scatter(
            x=np.array([record.number for record in shown], dtype=np.int32),
            y=np.array([record.values[i] for record in shown]),
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 6, "opacity": 0.6},
            hovertemplate=f"trial %{{x}}<br>{html.escape(metric)} %{{y:.5g}}<extra></extra>",
        )


def _best(better: Sequence[Record], last: int, i: int) -> Iterator[go.Scatter]:
    if better:
        yield go.Scatter(
            x=[*(record.number for record in better), last],
            y=[*(record.values[i] for record in better), better[-1].values[i]],
            mode="lines",
            name="Best Value",
            line={"color": COLOURS[1], "width": 2.5, "shape": "hv"},
            hoverinfo="skip",
        )


def _rug(records: Sequence[Record]) -> go.Scatter:
    told = [f"trial {record.number}, {record.state}: {record.cause[:LONGEST_CAUSE]}" for record in records]
    return go.Scatter(
        x=np.array([record.number for record in records], dtype=np.int32),
        y=np.full(len(records), 0.015),
        yaxis="y2",
        mode="markers",
        name="Ended early",
        marker={"symbol": "x-thin", "size": 8, "line": {"width": 1.5, "color": GREY}},
        hovertext=list(map(html.escape, told)),
        hoverinfo="text",
    )


def _told(better: Sequence[Record], metric: str, i: int) -> str:
    if not better:
        return f"{metric} by trial; none keeps the bounds"
    first, last = better[0], better[-1]
    return (
        f"{metric} by trial; the best went from {short(first.values[i])} in trial {first.number} "
        f"to {short(last.values[i])} in trial {last.number}"
    )


def _table(better: Sequence[Record], metric: str, i: int) -> Table:
    rows = [(record.number, record.values[i]) for record in reversed(better[-LATEST_ROWS:])]
    return Table(("Best from trial", metric), tuple(rows))
