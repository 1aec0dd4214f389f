"""The contour of the two most important parameters: how the value depends on both together.

The values are smoothed over the plane, each parameter on its own scale, by a Gaussian kernel, and the plane is left
blank where fewer than two trials were near: nothing is drawn that was not seen.
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tuner.goal import Direction
from tuner.plots.base import SCALE, Plot, axis_of, fenced, losses, place_of, short, thinned, thinning, titled
from tuner.results.importances import Importances
from tuner.study import Choices, Domain, Record, Study, sound

MOST_TRIALS = 300
"""As many as are drawn: every one is a point of the page."""

CELLS = 48
"""How finely a range is drawn, on each side."""

WIDTH = 0.07
"""The kernel's standard deviation, of a range that is 1 wide; labels are 1 apart, so that they do not mix."""

NEAR = 0.1
"""Where the kernels of all trials sum up to less, no trial was near."""

ALONE = 1.5
"""Fewer trials than that in effect (Kish 1965: the sum of weights squared over the sum of squares) make no surface.
A trial that is alone at its own place takes no part: between two of them would be a surface without a point."""

FEWEST = 4
"""Trials that it takes."""


def contour(study: Study, records: Sequence[Record], found: Importances, i: int = 0) -> Plot:
    """The value in objective `i` over the two parameters that explain most and that trials have together."""
    title = titled("Interaction", study, i)
    pair = _pair(found, sound(records))
    if pair is None:
        return Plot(title, "", None, f"it takes {FEWEST} complete trials that differ in two parameters")
    having = [record for record in sound(records) if all(name in record.params for name in pair)]
    shown = thinned(having, losses(study, i), MOST_TRIALS)
    domains = study.domains()
    figure = _figure(study, shown, pair, (domains[pair[0]], domains[pair[1]]), i)
    caption = (
        f"The {study.goal.titles[i]} over the two most important parameters that trials have in common, smoothed; "
        "blank where fewer than two trials were near. Points are complete trials." + thinning(len(shown), len(having))
    )
    best = min(shown, key=losses(study, i))
    told = f"{study.goal.titles[i]} over {pair[0]} and {pair[1]}; the best point is at " + " and ".join(
        f"{name} {short(best.params[name])}" for name in pair
    )
    return Plot(title, caption, figure, told=told)


def _pair(found: Importances, chosen: Sequence[Record]) -> tuple[str, str] | None:
    """The first two of the ranking that enough trials have both, and that vary among these."""
    for one, other in itertools.combinations([each.name for each in found.ranked], 2):
        together = [record.params for record in chosen if one in record.params and other in record.params]
        if len(together) >= FEWEST and all(
            len({str(params[name]) for params in together}) > 1 for name in (one, other)
        ):
            return one, other
    return None


def _figure(
    study: Study, shown: Sequence[Record], pair: tuple[str, str], domains: tuple[Domain, Domain], i: int
) -> go.Figure:
    x, y = (
        np.array([domain.place(record.params[name]) for record in shown])
        for name, domain in zip(pair, domains, strict=True)
    )
    across, up = map(_grid, domains)
    values = fenced([record.values[i] for record in shown], study.goal.directions[i])
    look = {
        "x": _drawn(domains[0], across),
        "y": _drawn(domains[1], up),
        "z": smoothed(x, y, values, across, up),
        "colorscale": SCALE,
        "reversescale": study.goal.directions[i] is Direction.MINIMIZE,
        "colorbar": {"title": {"text": html.escape(study.goal.titles[i]), "side": "right"}},
        "hoverinfo": "skip",
    }
    labelled = any(isinstance(domain, Choices) for domain in domains)
    area = go.Heatmap(**look) if labelled else go.Contour(**look, line={"width": 0.5}, ncontours=15)
    figure = go.Figure([area, _points(shown, pair, domains, i, study.goal.titles[i])])
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
    """The mean value around each crossing of a grid, near points counting most.

    Args:
        x: float64 (N,), places on the first parameter's own scale.
        y: likewise on the second's.
        values: float64 (N,), finite.
        across: float64 (A,), the grid's places on the first scale.
        up: float64 (B,), on the second.

    Returns:
        float64 (B, A); NaN where no point is near, or a single one: a point is no surface.
    """
    together = _together(x, y)
    x, y, values = x[together], y[together], values[together]
    weights = _kernel(up, y)[:, None, :] * _kernel(across, x)[None, :, :]
    totals = weights.sum(2)
    seen = (totals > NEAR) & ~_alone(weights)
    means = weights / np.maximum(totals, NEAR)[:, :, None] @ values  # divided first, or great values would overflow
    return np.where(seen, means, np.nan)


def _together(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which trials are not alone at their own places, once those that are alone are left out."""
    weights, kept = _kernel(x, x) * _kernel(y, y), np.ones(len(x), dtype=bool)
    while (left := kept & ~_alone(weights * kept)).sum() < kept.sum():
        kept = left
    return kept


def _alone(weights: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where the trials, along the last axis, are too few in effect to make a surface."""
    squares = (weights**2).sum(-1)
    alone: NDArray[np.bool_] = weights.sum(-1) ** 2 <= ALONE * squares
    return alone


def _kernel(grid: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.exp(-0.5 * ((grid[:, None] - places[None, :]) / WIDTH) ** 2)
    return weights


def _grid(domain: Domain) -> NDArray[np.float64]:
    """The places at which the surface is known: each label, or an even net over the range."""
    if isinstance(domain, Choices):
        return np.arange(len(domain.labels), dtype=np.float64)
    return np.linspace(0, 1, CELLS)


def _drawn(domain: Domain, grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the places of a grid stand on the axis."""
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
