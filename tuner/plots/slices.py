"""Slices: the value of each trial against each of its parameters."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tuner.plots.base import INK, SCALE, Plot, axis_of, clip, losses, place_of, thinned, thinning, titled
from tuner.results.results import Results
from tuner.runtime.rounding import value_text
from tuner.study import Choices, Domain, Record

MOST_TRIALS = 1000
"""Largest number of trials. Each is a point in every panel."""

MOST_PANELS = 24

FEWEST = 2
"""Complete trials that the plot needs."""

COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 3, 240, 260


def slices(results: Results, i: int = 0) -> Plot:
    """Draw objective `i` against each parameter, the most important first."""
    goal, complete = results.goal, results.sound
    title, metric = titled("Slices", goal, i), goal.titles[i]
    varying = {name: domain for name, domain in results.domains.items() if domain.varies}
    there = [name for name in varying if any(name in record.params for record in complete)]
    if not there:
        return Plot(title, "", None, "no trial with parameters that vary is complete yet")
    if len(complete) < FEWEST:
        return Plot(title, "", None, f"needs {FEWEST} complete trials")
    ranking = [each.name for each in results.importances[i].ranked]
    names = list(dict.fromkeys([*(name for name in ranking if name in there), *there]))[:MOST_PANELS]
    shown = thinned(complete, losses(goal, i), MOST_TRIALS)
    figure = _panels(shown, {name: varying[name] for name in names}, i, metric)
    caption = f"The {metric} of complete trials within the bounds, against each parameter. Later trials are brighter."
    if len(names) < len(there):
        caption += f" The {len(names)} most important of {len(there)} parameters are shown."
    caption += thinning(len(shown), len(complete))
    caption += clip(figure, [record.values[i] for record in shown], goal.directions[i], everywhere=True)
    told = f"{metric} against each of " + ", ".join(names)
    return Plot(title, caption, figure, told=told, width=PANEL_WIDTH * min(COLUMNS, len(names)))


def _panels(shown: Sequence[Record], domains: Mapping[str, Domain], i: int, metric: str) -> go.Figure:
    columns = min(COLUMNS, len(domains))
    rows = -(-len(domains) // columns)
    figure = make_subplots(rows, columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.32 / rows)
    for k, (name, domain) in enumerate(domains.items()):
        row, column = k // columns + 1, k % columns + 1
        figure.add_trace(_points(shown, name, domain, i, metric), row, column)
        figure.update_xaxes(title_text=html.escape(name), **axis_of(domain), row=row, col=column)
    figure.update_yaxes(title_text=metric, col=1)
    figure.update_layout(height=90 + PANEL_HEIGHT * rows, showlegend=False)
    figure.update_layout(coloraxis={"colorscale": SCALE, "colorbar": {"title": {"text": "Trial"}}})
    return figure


def _points(shown: Sequence[Record], name: str, domain: Domain, i: int, metric: str) -> go.Scatter:
    having = [record for record in shown if name in record.params]
    place = "%{text}" if isinstance(domain, Choices) else "%{x:.5g}"
    told = f"trial %{{marker.color}}<br>{html.escape(name)} {place}<br>{html.escape(metric)} %{{y:.5g}}"
    return go.Scatter(
        x=[place_of(domain, record.params[name]) for record in having],
        y=np.array([record.values[i] for record in having]),
        text=[html.escape(value_text(record.params[name])) for record in having]
        if isinstance(domain, Choices)
        else None,
        mode="markers",
        marker={
            "color": np.array([record.number for record in having], dtype=np.int32),
            "coloraxis": "coloraxis",
            "size": 7,
            "line": {"width": 0.5, "color": INK},
        },
        opacity=0.7,
        hovertemplate=f"{told}<extra></extra>",
    )
