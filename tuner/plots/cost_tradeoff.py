"""Cost against value: training time, parameters and latency of each trial."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.goal import Goal
from tuner.plots.base import COLOURS, Plot, Table, clip, losses, thinned, thinning, titled
from tuner.results.results import Results
from tuner.study import Record

FEWEST = 2
"""Complete trials that the plot needs."""

WIDE = 30
"""Costs that differ by more than this factor are drawn on a log scale."""

MOST_ROWS = 12
"""Largest number of table rows for each cost."""

UNITS = {"seconds": "seconds of training", "parameters": "parameters", "latency": "latency, ms for one row"}
"""Every cost, with the title of its axis."""


def costs(results: Results, i: int = 0) -> Plot:
    """Draw objective `i` against each known cost, with the best value for each cost."""
    goal, chosen = results.goal, results.sound
    title, metric = titled("Cost against value", goal, i), goal.titles[i]
    known = {name: having for name in UNITS if name != goal.metrics[i] and (having := _having(chosen, name))}
    if not known:
        return Plot(title, "", None, "no complete trial has a known cost")
    if len(chosen) < FEWEST:
        return Plot(title, "", None, f"needs {FEWEST} complete trials")
    figure = make_subplots(rows=len(known), vertical_spacing=0.3 / len(known))
    for row, (name, having) in enumerate(known.items(), start=1):
        figure.add_traces(_traces(goal, having, name, i, row), row, 1)
        figure.update_xaxes(title_text=UNITS[name], type=_scale(having, name), row=row, col=1)
    figure.update_yaxes(title_text=metric)
    figure.update_layout(height=90 + 300 * len(known))
    caption = "Each point is a complete trial within the bounds. The line joins trials that no cheaper trial reaches."
    most = max(known.values(), key=len)
    caption += thinning(len(thinned(most, losses(goal, i))), len(most))
    caption += clip(figure, [record.values[i] for record in most], goal.directions[i], everywhere=True)
    told = f"{metric} against " + " and ".join(known)
    return Plot(title, caption, figure, told=told, table=_table(goal, known, i))


def _scale(having: Sequence[Record], name: str) -> str:
    spread = [cost(record, name) for record in having]
    return "log" if min(spread) > 0 and max(spread) > WIDE * min(spread) else "linear"


def cost(record: Record, name: str) -> float:
    """Return one cost of a trial; NaN if it is unknown."""
    if name == "seconds":
        return math.nan if record.seconds is None else record.seconds
    return record.history[name][-1] if record.history.get(name) else math.nan


def _having(chosen: Sequence[Record], name: str) -> list[Record]:
    return [record for record in chosen if math.isfinite(cost(record, name))]


def frontier(goal: Goal, having: Sequence[Record], name: str, i: int) -> list[Record]:
    """Return the trials that no cheaper trial reaches, from the cheapest to the best."""
    loss, found = losses(goal, i), list[Record]()
    for record in sorted(having, key=lambda record: (cost(record, name), loss(record))):
        if not found or loss(record) < loss(found[-1]):
            found.append(record)
    return found


def _traces(goal: Goal, having: Sequence[Record], name: str, i: int, row: int) -> list[go.Scatter]:
    shown, least = thinned(having, losses(goal, i)), frontier(goal, having, name, i)
    metric = html.escape(goal.titles[i])
    told = f"trial %{{customdata}}<br>{name} %{{x:.5g}}<br>{metric} %{{y:.5g}}<extra></extra>"
    looks: list[tuple[Sequence[Record], dict[str, Any]]] = [
        (shown, {"mode": "markers", "name": "Trial", "opacity": 0.6, "marker": {"color": COLOURS[0], "size": 6}}),
        (
            least,
            {
                "mode": "lines+markers",
                "name": "Best for its cost",
                "line": {"color": COLOURS[1], "shape": "hv", "width": 2},
                "marker": {"symbol": "diamond", "size": 9},
            },
        ),
    ]
    return [
        go.Scatter(
            x=np.array([cost(record, name) for record in records]),
            y=np.array([record.values[i] for record in records]),
            customdata=np.array([record.number for record in records], dtype=np.int32),
            hovertemplate=told,
            showlegend=row == 1,
            legendgroup=look["name"],
            **look,
        )
        for records, look in looks
    ]


def _table(goal: Goal, known: Mapping[str, Sequence[Record]], i: int) -> Table:
    rows = [
        (name, cost(record, name), record.values[i], record.number)
        for name, having in known.items()
        for record in frontier(goal, having, name, i)[-MOST_ROWS:]
    ]
    return Table(("Cost", "How much", f"Best {goal.titles[i]} for it", "Trial"), tuple(rows))
