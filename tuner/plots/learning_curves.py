"""Curves over epochs: of the best trials, and the objective of every trial."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.goal import COSTS, Goal
from tuner.plots.base import COLOURS, DASHES, SYMBOLS, Plot, Table, clip, losses, thinned, thinning, whole_ticks
from tuner.results.results import Results
from tuner.study import Record

BEST = 5
"""The number of best trials whose curves are drawn."""

MOST_LINES = 200
"""Largest number of lines. More make the page slow and hide each other."""

MOST_MARKED = 30
"""A curve of more epochs has no symbols."""


def learning_curves(results: Results) -> Plot:
    """Draw the first objective that training changes, and both losses, for the best trials."""
    goal = results.goal
    title, i = f"Learning curves of the top {BEST}", _learnt(goal)
    if i is None:
        return Plot(title, "", None, "no objective changes from epoch to epoch")
    metric, shown_as = goal.metrics[i], goal.titles[i]
    best = [record for record in sorted(results.sound, key=losses(goal, i)) if _curve(record, metric)][:BEST]
    if not best:
        return Plot(title, "", None, "no complete trial has reported an epoch")
    rows = [[metric], *([["loss", "train_loss"]] if any("train_loss" in record.history for record in best) else [])]
    figure = make_subplots(rows=len(rows), shared_xaxes=True, vertical_spacing=0.08)
    for row, names in enumerate(rows, start=1):
        for k, record in enumerate(best):
            figure.add_traces([_line(record, name, k, row) for name in names if _curve(record, name)], row, 1)
        figure.update_yaxes(title_text="Loss" if len(names) > 1 else shown_as, row=row, col=1)
    figure.update_xaxes(**whole_ticks(max(max(_curve(record, metric)) for record in best)))
    figure.update_xaxes(title_text="Epoch", row=len(rows), col=1)
    figure.update_layout(height=160 + 240 * len(rows))
    caption = f"The best trials by {shown_as}, the best first."
    if len(rows) > 1:
        caption += (
            " Below, the loss on validation rows, and fainter the one on training rows: where they part, it overfits."
        )
    caption += clip(figure, [value for record in best for value in _curve(record, metric).values()], goal.directions[i])
    told = f"{shown_as} by epoch of trials " + ", ".join(str(record.number) for record in best)
    return Plot(title, caption, figure, told=told, table=_table(best, goal, i))


def _learnt(goal: Goal) -> int | None:
    return next((i for i, metric in enumerate(goal.metrics) if metric not in COSTS), None)


def _curve(record: Record, name: str) -> dict[int, float]:
    """Return a metric by epoch; for a trial of another program, its reported values."""
    kept = record.history.get(name, [])
    epochs = record.epochs or range(1, len(kept) + 1)
    return dict(zip(epochs, kept, strict=False)) or ({} if record.history else dict(record.reports))


def _line(record: Record, name: str, k: int, row: int) -> go.Scatter:
    curve = _curve(record, name)
    training = name == "train_loss"
    return go.Scatter(
        x=list(curve),
        y=list(curve.values()),
        name=f"trial {record.number}",
        legendgroup=str(record.number),
        showlegend=row == 1,
        mode="lines" if len(curve) > MOST_MARKED or training else "lines+markers",
        line={"color": COLOURS[k], "dash": DASHES[k], "width": 1.2 if training else 2},
        marker={"symbol": SYMBOLS[k], "size": 6},
        opacity=0.5 if training else 1,
        hovertemplate=f"trial {record.number}, epoch %{{x}}<br>{html.escape(name)} %{{y:.5g}}<extra></extra>",
    )


def _table(best: Sequence[Record], goal: Goal, i: int) -> Table:
    metric, shown_as = goal.metrics[i], goal.titles[i]
    rows = []
    for record in best:
        last = list(_curve(record, metric).items())[-1]
        rows.append((record.number, record.values[i], record.epoch, last[0], last[1]))
    return Table(("Trial", shown_as, "Its epoch", "Last epoch", f"{shown_as} after it"), tuple(rows))


def intermediate_values(results: Results) -> Plot:
    """Draw the objective of every trial after each epoch, pruned trials dotted."""
    title, goal, metric = "Intermediate values", results.goal, results.goal.title
    reported = [record for record in results.counted if record.reports]
    if not reported:
        return Plot(title, "", None, "no trial has reported an epoch yet")
    shown = thinned(reported, losses(goal, 0), MOST_LINES)
    figure = go.Figure(
        [
            _bundle([record for record in shown if record.complete], metric, "Complete", COLOURS[0], "solid"),
            _bundle([record for record in shown if not record.complete], metric, "Ended early", COLOURS[1], "dot"),
        ]
    )
    figure.data = [trace for trace in figure.data if len(trace.x)]
    ticks = whole_ticks(max(max(record.reports) for record in shown))
    figure.update_layout(xaxis={"title": {"text": "Epoch"}, **ticks}, yaxis_title=metric)
    caption = f"The {metric} after each epoch. Dotted lines are trials that ended early." + thinning(
        len(shown), len(reported)
    )
    caption += clip(figure, [value for record in shown for value in record.reports.values()], goal.direction)
    return Plot(title, caption, figure, told=f"{metric} by epoch of {len(shown)} trials")


def _bundle(shown: Sequence[Record], metric: str, name: str, colour: str, dash: str) -> go.Scatter:
    """Draw many lines as one trace with gaps, which is much faster than one trace each."""
    points: list[tuple[Any, Any, Any]] = []
    for record in shown:
        points += [(epoch, value, record.number) for epoch, value in sorted(record.reports.items())]
        points.append((None, None, None))
    return go.Scatter(
        x=np.array([epoch for epoch, _, _ in points], dtype=np.float64),
        y=np.array([value for _, value, _ in points], dtype=np.float64),
        customdata=np.array([number for _, _, number in points], dtype=np.float64),
        name=name,
        mode="lines+markers",
        opacity=0.55,
        line={"color": colour, "dash": dash, "width": 1.2},
        marker={"color": colour, "size": 3},
        hovertemplate=f"trial %{{customdata}}, epoch %{{x}}<br>{html.escape(metric)} %{{y:.5g}}<extra></extra>",
    )
