"""The plot of regions: where in its range, from end to end, each parameter of the best trials lies."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.plots.base import COLOURS, Plot, Table, losses, short, titled
from tuner.results.regions import TOP, Region
from tuner.results.regions import regions as regions_of
from tuner.runtime.rounding import value_text
from tuner.study import Choices, Record, Study, sound

FEWEST = TOP

THINNEST = 0.004
"""The length of a bar where the best tenth agree, or it could not be seen."""

ROW = 40
"""Pixels of a parameter's row, of which its domain takes a line."""

ASIDE = 190
"""Pixels beside the rows for what is written at their ends."""

WIDTH = 640
"""Pixels that rows with their labels and numbers need; a narrower page scrolls them."""

BEST_TRIALS = f"Best tenth, at least {TOP}"


def regions(study: Study, records: Sequence[Record], i: int = 0) -> Plot:
    """Where the best trials by objective `i` have each parameter, and which bounds they press against."""
    title, chosen = titled("Best regions", study, i), sound(records)
    found = regions_of(chosen, study.domains(), losses(study, i))
    if len(chosen) < FEWEST or not found:
        return Plot(title, "", None, f"it takes {FEWEST} complete trials that differ in a parameter")
    figure = go.Figure([*_spans(found), _tops(found)])
    names = [html.escape(region.name) for region in found]
    labels = [f"{name}<br><sup>{html.escape(_domain(region))}</sup>" for name, region in zip(names, found, strict=True)]
    figure.update_yaxes(
        categoryorder="array", categoryarray=names[::-1], tickvals=names, ticktext=labels, automargin=True
    )
    figure.update_xaxes(range=[-0.03, 1.03], tickvals=[0, 0.5, 1], ticktext=["low", "middle", "high"])
    figure.update_layout(height=130 + ROW * len(found), barmode="overlay", margin_r=ASIDE, annotations=_numbers(found))
    caption = (
        "Each range from its low end to its high one, on the scale that it is searched on; of a choice, its labels in "
        "their order. A parameter of one branch is looked at among the trials of that branch."
    )
    advice = tuple(region.advice for region in found if region.advice)
    told = f"the range of the best tenth of trials in each of {len(found)} parameters, and the top {TOP}"
    return Plot(title, caption, figure, told=told, notes=advice, table=_table(found), width=WIDTH)


def _numbers(found: Sequence[Region]) -> list[dict[str, Any]]:
    """Where the best lie in numbers or labels, at the end of each parameter's row."""
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
    """From end to end, of a choice too."""
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
