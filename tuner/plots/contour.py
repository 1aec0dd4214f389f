"""The contour of the two most important parameters: how the value depends on both together.

A Gaussian kernel smooths the values over the plane, each parameter on its own scale. The plane stays blank where fewer
than two trials were near.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tuner.goal import Direction, Goal
from tuner.plots.base import SCALE, Plot, axis_of, fenced, losses, place_of, short, thinned, thinning, titled
from tuner.results.importances import Importances
from tuner.results.results import Results
from tuner.study import Choices, Domain, Record

MOST_TRIALS = 300
"""Largest number of trials in the plot. Each is a point of the page."""

CELLS = 48
"""Grid points per axis."""

WIDTH = 0.07
"""Standard deviation of the kernel. A range is 1 wide; labels are 1 apart, so they do not mix."""

NEAR = 0.1
"""A grid point whose kernel weights sum to less has no trial near it."""

ALONE = 1.5
"""A grid point with fewer effective trials is blank (Kish 1965: squared sum of weights over sum of squares).

Trials that are alone near their own place are left out. Otherwise a surface would appear between two of them.
"""

FEWEST = 4
"""Complete trials that the plot needs."""


def contour(results: Results, i: int = 0) -> Plot:
    """Draw objective `i` over the two most important parameters that trials have in common."""
    goal, chosen = results.goal, results.sound
    title, pair = titled("Interaction", goal, i), _pair(results.importances[i], chosen)
    if pair is None:
        return Plot(title, "", None, f"needs {FEWEST} complete trials that differ in two parameters")
    having = [record for record in chosen if all(name in record.params for name in pair)]
    shown = thinned(having, losses(goal, i), MOST_TRIALS)
    domains = results.domains
    figure = _figure(goal, shown, pair, (domains[pair[0]], domains[pair[1]]), i)
    caption = (
        f"The smoothed {goal.titles[i]} over the two most important parameters that trials have in common. "
        "It is blank where fewer than two trials were near. Points are complete trials."
        + thinning(len(shown), len(having))
    )
    best = min(shown, key=losses(goal, i))
    told = f"{goal.titles[i]} over {pair[0]} and {pair[1]}; the best point is at " + " and ".join(
        f"{name} {short(best.params[name])}" for name in pair
    )
    return Plot(title, caption, figure, told=told)


def _pair(found: Importances, chosen: Sequence[Record]) -> tuple[str, str] | None:
    """Return the first two ranked parameters that enough trials have in common and that vary among these."""
    for one, other in itertools.combinations([each.name for each in found.ranked], 2):
        together = [record.params for record in chosen if one in record.params and other in record.params]
        if len(together) >= FEWEST and all(
            len({str(params[name]) for params in together}) > 1 for name in (one, other)
        ):
            return one, other
    return None


def _figure(
    goal: Goal, shown: Sequence[Record], pair: tuple[str, str], domains: tuple[Domain, Domain], i: int
) -> go.Figure:
    x, y = (
        np.array([domain.place(record.params[name]) for record in shown])
        for name, domain in zip(pair, domains, strict=True)
    )
    across, up = map(_grid, domains)
    values = fenced([record.values[i] for record in shown], goal.directions[i])
    look = {
        "x": _drawn(domains[0], across),
        "y": _drawn(domains[1], up),
        "z": smoothed(x, y, values, across, up),
        "colorscale": SCALE,
        "reversescale": goal.directions[i] is Direction.MINIMIZE,
        "colorbar": {"title": {"text": html.escape(goal.titles[i]), "side": "right"}},
        "hoverinfo": "skip",
    }
    labelled = any(isinstance(domain, Choices) for domain in domains)
    area = go.Heatmap(**look) if labelled else go.Contour(**look, line={"width": 0.5}, ncontours=15)
    figure = go.Figure([area, _points(shown, pair, domains, i, goal.titles[i])])
    for axis, name, domain in zip((figure.update_xaxes, figure.update_yaxes), pair, domains, strict=True):
        axis(title_text=html.escape(name), **axis_of(domain))
    return figure.update_layout(height=480, showlegend=False)


def smoothed(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    values: NDArray[np.float64],
    across: NDArray[np.float64],
    up: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the mean value around each crossing of a grid, weighted by nearness.

    Args:
        x: float64 (N,), places on the first parameter's scale.
        y: float64 (N,), places on the second parameter's scale.
        values: float64 (N,), finite.
        across: float64 (A,), the grid's places on the first scale.
        up: float64 (B,), the grid's places on the second scale.

    Returns:
        float64 (B, A); NaN where fewer than two points are near.
    """
    together = _together(x, y)
    x, y, values = x[together], y[together], values[together]
    weights = _kernel(up, y)[:, None, :] * _kernel(across, x)[None, :, :]
    totals = weights.sum(2)
    seen = (totals > NEAR) & ~_alone(weights)
    means = weights / np.maximum(totals, NEAR)[:, :, None] @ values  # divided first, or great values would overflow
    return np.where(seen, means, np.nan)


def _together(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which trials have others near. Trials without are removed until none is left."""
    weights, kept = _kernel(x, x) * _kernel(y, y), np.ones(len(x), dtype=bool)
    while (left := kept & ~_alone(weights * kept)).sum() < kept.sum():
        kept = left
    return kept


def _alone(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where the effective number of trials, along the last axis, is too small for a surface."""
    squares = (weights**2).sum(-1)
    alone: NDArray[np.bool_] = weights.sum(-1) ** 2 <= ALONE * squares
    return alone


def _kernel(grid: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.exp(-0.5 * ((grid[:, None] - places[None, :]) / WIDTH) ** 2)
    return weights


def _grid(domain: Domain) -> NDArray[np.float64]:
    """Return the places of the surface's grid: each label, or an even grid over the range."""
    if isinstance(domain, Choices):
        return np.arange(len(domain.labels), dtype=np.float64)
    return np.linspace(0, 1, CELLS)


def _drawn(domain: Domain, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the axis positions of a grid's places."""
    return grid if isinstance(domain, Choices) else np.array([domain.value(place) for place in grid])


def _points(
    shown: Sequence[Record], pair: tuple[str, str], domains: tuple[Domain, Domain], i: int, metric: str
) -> go.Scatter:
    x, y = (
        [place_of(domain, record.params[name]) for record in shown] for name, domain in zip(pair, domains, strict=True)
    )
    told = [
        f"trial {record.number}<br>{html.escape(metric)} {short(record.values[i])}<br>"
        + "<br>".join(html.escape(f"{name} {short(record.params[name])}") for name in pair)
        for record in shown
    ]
    marker = {"color": "#ffffff", "size": 5, "line": {"width": 1, "color": "#000000"}, "opacity": 0.7}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hovertext=told, hoverinfo="text")
