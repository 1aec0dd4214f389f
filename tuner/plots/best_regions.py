"""The plot of regions: where the best trials lie in the range of each parameter."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.plots.base import COLOURS, Plot, Table, losses, short, titled
from tuner.results.regions import TOP, Region
from tuner.results.regions import regions as regions_of
from tuner.results.results import Results
from tuner.runtime.rounding import value_text
from tuner.study import Choices

FEWEST = TOP

THINNEST = 0.004
"""Least length of a bar, as a fraction of the range, so that it can be seen."""

ROW = 40
"""Pixels of a parameter's row. Its domain takes one line of them."""

ASIDE = 190
"""Pixels to the right of the rows, for the numbers at their ends."""

WIDTH = 640
"""Least width in pixels of rows with labels and numbers. A narrower page scrolls them."""

BEST_TRIALS = f"Best tenth, at least {TOP}"


def regions(results: Results, i: int = 0) -> Plot:
    """Draw the range of each parameter in the best trials by objective `i`, and the bounds to widen."""
    title, chosen = titled("Best regions", results.goal, i), results.sound
    found = regions_of(chosen, results.domains, losses(results.goal, i))
    if len(chosen) < FEWEST or not found:
        return Plot(title, "", None, f"needs {FEWEST} complete trials that differ in a parameter")
    figure = go.Figure([*_spans(found), _tops(found)])
    names = [html.escape(region.name) for region in found]
    labels = [f"{name}<br><sup>{html.escape(_domain(region))}</sup>" for name, region in zip(names, found, strict=True)]
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], tickvals=names, ticktext=labels, automargin=True
    )
    figure.update_xaxes(range=[-0.03, 1.03], tickvals=[0, 0.5, 1], ticktext=["low", "middle", "high"])
    figure.update_layout(height=130 + ROW * len(found), barmode="overlay", margin_r=ASIDE, annotations=_numbers(found))
    caption = (
        "Each row is a parameter's range, on its search scale. A choice shows its labels in order. "
        "A parameter of one branch is shown for the trials of that branch."
    )
    advice = tuple(region.advice for region in found if region.advice)
    told = f"the range of the best tenth of trials in each of {len(found)} parameters, and the top {TOP}"
    return Plot(title, caption, figure, told=told, notes=advice, table=_table(found), width=WIDTH)


def _numbers(found: Sequence[Region]) -> list[dict[str, Any]]:
    """Return one annotation per parameter: the best values in numbers or labels."""
    look = {"x": 1, "xref": "paper", "xanchor": "left", "align": "left", "showarrow": False, "xshift": 8}
    return [{"y": html.escape(region.name), "text": html.escape(region.told), **look} for region in found]


def _spans(found: Sequence[Region]) -> list[go.Bar]:
    spans = [(region, region.low, region.high) for region in found]
    ranges = [(region, low, high) for region, low, high in spans if low is not None and high is not None]
    if not ranges:
        return []
    ends = [(region.domain.place(low), region.domain.place(high)) for region, low, high in ranges]
    return [
        go.Bar(
            base=[start for start, _ in ends],
            x=[max(end - start, THINNEST) for start, end in ends],
            y=[html.escape(region.name) for region, _, _ in ranges],
            orientation="h",
            width=0.6,
            name=BEST_TRIALS,
            marker={"color": COLOURS[4], "opacity": 0.6},
            hovertext=[html.escape(f"{region.name}: {region.told}") for region, _, _ in ranges],
            hoverinfo="text",
        )
    ]


def _tops(found: Sequence[Region]) -> go.Scatter:
    points = [(region, value) for region in found for value in region.top]
    return go.Scatter(
        x=[_place(region, value) for region, value in points],
        y=[html.escape(region.name) for region, _ in points],
        mode="markers",
        name=f"Top {TOP}",
        marker={"color": COLOURS[1], "symbol": "diamond", "size": 8, "opacity": 0.8},
        hovertext=[html.escape(f"{region.name} {short(value)}") for region, value in points],
        hoverinfo="text",
    )


def _place(region: Region, value: Any) -> float:
    """Return the place of a value in its domain, from 0 to 1 for choices too."""
    if isinstance(region.domain, Choices):
        return region.domain.place(value) / (len(region.domain.labels) - 1)
    return region.domain.place(value)


def _table(found: Sequence[Region]) -> Table:
    rows = tuple(
        (
            region.name,
            _domain(region),
            region.trials,
            region.told,
            ", ".join(map(short, region.top)),
            f"{region.pressing} near the {region.pressed.value} bound" if region.pressed else "",
        )
        for region in found
    )
    return Table(("Parameter", "Searched", "Trials", BEST_TRIALS, f"Top {TOP}", "Pressing"), rows)


def _domain(region: Region) -> str:
    if isinstance(region.domain, Choices):
        return ", ".join(map(value_text, region.domain.labels))
    return f"{region.domain.low:g} to {region.domain.high:g}" + (", log" if region.domain.log else "")
