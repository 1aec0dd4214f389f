"""The plot of a confirmation: each run, each candidate's mean and interval, and its value in the search."""

from __future__ import annotations

import plotly.graph_objects as go

from tuner.plots import COLOURS, GREY, INK, Plot
from tuner.plots.base import whiskers
from tuner.results.confirmation import Confirmation
from tuner.results.stage import Standing
from tuner.results.wording import paragraphs, verdict

ROW = 56
"""Height of a candidate's row in pixels."""


def forest(found: Confirmation) -> Plot:
    """Draw one row per candidate, the pick on top."""
    title = "Confirmation"
    shown = [standing for standing in found.standings if standing.values or found.interval(standing)]
    if not shown:
        return Plot(title, "", None, "no run on a fresh seed has ended yet")
    figure = go.Figure([_runs(found, shown), *_held(found), _means(found, shown), _firsts(shown)])
    labels = [_label(standing) for standing in shown]
    figure.update_yaxes(categoryorder="array", categoryarray=labels[::-1])
    figure.update_layout(xaxis_title=found.goal.title, height=130 + ROW * len(shown))
    told = f"runs on fresh seeds of {len(shown)} candidates, each with its mean and interval"
    caption = "Dots are runs on shared seeds. The pick's bar is the mean and interval of its held-out seeds."
    notes = tuple(" ".join(f"{sentence}." for sentence in each) for each in paragraphs(found))
    return Plot(title, caption, figure, told=told, notes=notes)


def _label(standing: Standing) -> str:
    return f"trial {standing.trial.number}"


def _runs(found: Confirmation, shown: list[Standing]) -> go.Scatter:
    points = [(value, standing) for standing in shown for value in standing.values]
    return go.Scatter(
        x=[value for value, _ in points],
        y=[_label(standing) for _, standing in points],
        mode="markers",
        name="Run",
        marker={"size": 9, "opacity": 0.45, "color": [COLOURS[0] if each.leading else GREY for _, each in points]},
        hovertext=[verdict(found, standing) for _, standing in points],
    )


def _held(found: Confirmation) -> list[go.Scatter]:
    if found.pick is None:
        return []
    marker = {"size": 9, "opacity": 0.8, "color": COLOURS[2], "symbol": "square"}
    labels = [_label(found.pick)] * len(found.held)
    return [go.Scatter(x=found.held, y=labels, mode="markers", name="Run on a held-out seed", marker=marker)]


def _means(found: Confirmation, shown: list[Standing]) -> go.Scatter:
    known = [(interval, standing) for standing in shown if (interval := found.interval(standing)) is not None]
    return go.Scatter(
        x=[interval.mean for interval, _ in known],
        y=[_label(standing) for _, standing in known],
        error_x=whiskers([interval for interval, _ in known]),
        mode="markers",
        name="Mean, 95 % interval",
        marker={"symbol": "line-ns", "size": 16, "line": {"width": 3, "color": INK}, "color": INK},
    )


def _firsts(shown: list[Standing]) -> go.Scatter:
    return go.Scatter(
        x=[standing.trial.value for standing in shown],
        y=[_label(standing) for standing in shown],
        mode="markers",
        name="Value in the search",
        marker={"symbol": "diamond-open", "size": 12, "color": COLOURS[1], "line": {"width": 2}},
    )
