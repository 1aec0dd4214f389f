"""The plot of the Pareto front: how the objectives trade off."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from tuner.goal import Goal
from tuner.plots import COLOURS, GREY, Plot, Table
from tuner.plots.base import losses, thinned, thinning
from tuner.results.results import Results
from tuner.study import Record

MOST_AXES = 3
"""Largest number of axes. With more objectives, the first two are drawn and the caption says so."""

MOST_ROWS = 50
"""Largest number of table rows of the front."""


def pareto(results: Results) -> Plot:
    """Draw every complete trial by its values, and mark those of the front."""
    goal, front = results.goal, results.front
    title, metrics = "Pareto front", goal.titles
    complete = [record for record in results.counted if record.complete and record.values]
    if not complete:
        return Plot(title, "", None, "no trial is complete yet")
    numbers = {record.number for record in front}
    others = [record for record in complete if record.number not in numbers]
    shown = thinned(others, losses(goal, 0))
    kinds = [
        ([record for record in shown if record.feasible], "Dominated", COLOURS[4], "circle"),
        ([record for record in shown if not record.feasible], "Out of bounds", GREY, "x"),
        (front, "Front", COLOURS[1], "diamond"),
    ]
    axes = metrics if len(metrics) <= MOST_AXES else metrics[:2]
    figure = go.Figure([_points(kind, axes, *look) for kind, *look in kinds if kind])
    titles = [{"title": {"text": html.escape(name)}} for name in axes]
    if len(axes) == MOST_AXES:
        figure.update_layout(scene=dict(zip(("xaxis", "yaxis", "zaxis"), titles, strict=True)))
    else:
        figure.update_layout(xaxis=titles[0], yaxis=titles[1])
    figure.update_layout(height=520)
    rows = tuple((record.number, *record.values) for record in front[:MOST_ROWS])
    told = f"{len(front)} of {len(complete)} complete trials are on the front of " + " and ".join(metrics)
    caption = _caption(goal) + thinning(len(shown), len(others))
    return Plot(title, caption, figure, told=told, table=Table(("Trial on the front", *metrics), rows))


def _points(kind: Sequence[Record], axes: Sequence[str], name: str, colour: str, symbol: str) -> go.Scatter:
    columns = [np.array([record.values[i] for record in kind]) for i in range(len(axes))]
    places = [f"{html.escape(axis)} %{{{letter}:.5g}}" for axis, letter in zip(axes, "xyz", strict=False)]
    look: dict[str, Any] = {
        "name": name,
        "mode": "markers",
        "showlegend": True,
        "marker": {"color": colour, "symbol": symbol, "size": 9 if name == "Front" else 6},
        "opacity": 1 if name == "Front" else 0.6,
        "customdata": np.array([record.number for record in kind], dtype=np.int32),
        "hovertemplate": "<br>".join(["trial %{customdata}", *places]) + "<extra></extra>",
    }
    points = dict(zip("xyz", columns, strict=False))
    return go.Scatter3d(**points, **look) if len(axes) == MOST_AXES else go.Scatter(**points, **look)


def _caption(goal: Goal) -> str:
    caption = "Each point is a complete trial. No trial is as good as a front trial everywhere and better somewhere."
    if goal.bounds:
        caption += f" Trials out of bounds break {', '.join(map(str, goal.bounds))}."
    if len(goal.metrics) > MOST_AXES:
        caption += f" It is the front in all {len(goal.metrics)} objectives, seen from the first two."
    return caption
