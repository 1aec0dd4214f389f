"""Plots of a study: each by optuna.visualization, arranged here so that failures and outliers do not distort.

A plot that there is not enough data for is no error: it says what it waits for.
"""

from __future__ import annotations

import html
import math
import statistics
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import optuna.visualization as viz
import plotly.graph_objects as go

from tuner.goal import Direction
from tuner.study import Record, Study

MOST_LINES = 200
"""Beyond so many lines a plot is a smear and the page is slow: the best and an even sample are drawn."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Okabe and Ito's palette, which colour-blind readers can tell apart."""


GREY = "#888888"
"""What ended early or is out of bounds."""

PLOTLY = {"displaylogo": False, "responsive": True}
"""How plotly.js shows every figure."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure with its caption, or in its place what is missing for it."""

    title: str
    caption: str
    figure: go.Figure | None
    missing: str = ""


def all_plots(study: Study) -> list[Plot]:
    """The plots of what was found, in reading order; of several objectives each has its own where that is one's."""
    records = study.records()
    objectives = range(len(study.goal.metrics))
    return [
        *(history(study, records, i) for i in objectives),
        *(importances(study, records, i) for i in objectives),
        *([intermediate_values(study, records)] if study.goal.single else []),
        parallel_coordinates(study, records),
        *(slices(study, records, i) for i in objectives),
    ]


def _titled(title: str, study: Study, i: int) -> str:
    return title if study.goal.single else f"{title} of {study.goal.metrics[i]}"


def _target(study: Study, i: int, sign: float = 1) -> dict[str, Any]:
    """What optuna.visualization is told of objective `i`; given a target it knows no direction any more."""
    name = {"target_name": study.goal.metrics[i]}
    return name if study.goal.single else {**name, "target": lambda trial: sign * trial.values[i]}


def history(study: Study, records: list[Record], i: int = 0) -> Plot:
    """The value of each trial in objective `i` and the best so far; trials without a value on a rug below."""
    title = _titled("Optimization history", study, i)
    complete = _complete(records)
    if not complete:
        return Plot(title, "", None, "no trial is complete yet")
    figure = viz.plot_optimization_history(study.optuna, **_target(study, i))
    figure.data = [trace for trace in figure.data if len(trace.x or ())]
    for colour, trace in zip(COLOURS, figure.data, strict=False):
        if trace.name == "Infeasible Trial":
            trace.update(name="Out of bounds", marker={"color": GREY, "symbol": "circle-open"}, showlegend=True)
        else:
            trace.update(marker_color=colour, line_color=colour)
    best_line = f", the line the best {study.goal.metric} so far" if study.goal.single else ""
    caption = f"Each point is a complete trial{best_line}."
    ended_early = [record for record in records if not record.complete and record.cause]
    if ended_early:
        figure.add_trace(_rug(ended_early))
        figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})
        caption += " The crosses below are trials that ended early: hover to see why."
    return Plot(title, caption + _clip(figure, [record.values[i] for record in complete]), figure)


def _rug(records: Iterable[Record]) -> go.Scatter:
    records = list(records)
    return go.Scatter(
        x=[record.number for record in records],
        y=[0.015] * len(records),
        yaxis="y2",
        mode="markers",
        name="Ended early",
        marker={"symbol": "x-thin", "size": 8, "line": {"width": 1.5, "color": GREY}},
        hovertext=[html.escape(f"trial {record.number}, {record.state}: {record.cause}") for record in records],
        hoverinfo="text",
    )


def importances(study: Study, records: list[Record], i: int = 0) -> Plot:
    """How much of the differences between trials in objective `i` each parameter explains."""
    title = _titled("Parameter importances", study, i)
    complete = _complete(records)
    if len({record.values[i] for record in complete}) < 2 or not any(record.params for record in complete):
        return Plot(title, "", None, "it takes at least two complete trials of different values")
    with warnings.catch_warnings(record=True) as rough:
        warnings.simplefilter("always", UserWarning)
        sign = -1 if study.goal.directions[i] is Direction.MAXIMIZE else 1  # PED-ANOVA takes lower targets for better
        figure = viz.plot_param_importances(study.optuna, **_target(study, i, sign))
    if not any(len(trace.y or ()) for trace in figure.data):
        return Plot(title, "", None, "no parameter differs between the complete trials")
    figure.update_traces(marker_color=COLOURS[0])
    figure.update_layout(height=160 + 28 * max(len(trace.y or ()) for trace in figure.data))
    caption = "Optuna's PED-ANOVA over complete trials: what tells the best tenth of trials from the rest."
    if rough:
        caption += " Some ranges hold fewer than two trials, so these are rough."
    return Plot(title, caption, figure)


def intermediate_values(study: Study, records: list[Record]) -> Plot:
    """The objective of every trial after each epoch, pruned ones dotted."""
    title = "Intermediate values"
    reported = [record for record in records if record.reports]
    if not reported:
        return Plot(title, "", None, "no trial has reported an epoch yet")
    shown = _thinned(reported, study.goal.direction)
    figure = viz.plot_intermediate_values(study.optuna)
    numbers = {f"Trial{record.number}": record for record in shown}
    figure.data = [trace for trace in figure.data if trace.name in numbers]
    for trace in figure.data:
        ended = numbers[trace.name]
        colour = COLOURS[0] if ended.complete else COLOURS[1]
        trace.update(mode="lines+markers" if len(trace.x) == 1 else "lines", opacity=0.55, marker_color=colour)
        trace.update(line={"color": colour, "width": 1.2, "dash": "solid" if ended.complete else "dot"})
    figure.update_layout(showlegend=False, xaxis_title="Epoch", yaxis_title=study.goal.metric)
    caption = f"The {study.goal.metric} after each epoch; dotted lines were pruned."
    if len(shown) < len(reported):
        caption += f" {len(shown)} of {len(reported)} trials are drawn: the best half of them and an even sample."
    values = [value for record in shown for value in record.reports.values()]
    return Plot(title, caption + _clip(figure, values), figure)


def parallel_coordinates(study: Study, records: list[Record]) -> Plot:
    """One line per complete trial through all of its parameters, to the first objective."""
    title = "Parallel coordinates"
    complete = _complete(records)
    if len(complete) < 2 or not complete[0].params:
        return Plot(title, "", None, "it takes at least two complete trials")
    shared = [name for name in complete[0].params if all(name in record.params for record in complete)]
    if not shared:
        return Plot(title, "", None, "the complete trials have no parameter in common")
    figure = viz.plot_parallel_coordinate(study.optuna, params=shared, **_target(study, 0))
    dark = "dark ones are better" if study.goal.single else f"coloured by {study.goal.metric}"
    caption = f"The parameters that all trials have; each line is a complete trial, {dark}."
    return Plot(title, caption, figure)


def slices(study: Study, records: list[Record], i: int = 0) -> Plot:
    """The value in objective `i` against each parameter."""
    title = _titled("Slices", study, i)
    complete = [record for record in _complete(records) if record.params]
    if not complete:
        return Plot(title, "", None, "no trial with parameters is complete yet")
    figure = viz.plot_slice(study.optuna, **_target(study, i))
    names = dict.fromkeys(name for record in complete for name in record.params)
    figure.update_layout(width=max(640, 190 * len(names)), height=380)
    caption = "Complete trials only, the value against each parameter; later trials are darker."
    return Plot(title, caption + _clip(figure, [record.values[i] for record in complete]), figure)


def dress(figure: go.Figure) -> None:
    """Give a figure the page's look; its own title goes, since the page has it."""
    figure.update_layout(title=None, template="plotly_white", margin={"l": 60, "r": 20, "t": 20, "b": 50})
    figure.update_layout(font={"size": 13}, paper_bgcolor="#ffffff")


def _complete(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.complete and record.values]


def _thinned(records: list[Record], direction: Direction) -> list[Record]:
    """At most `MOST_LINES`: the best half by value, and an even sample of the others."""
    if len(records) <= MOST_LINES:
        return records
    sign = -1 if direction is Direction.MAXIMIZE else 1
    ranked = sorted(records, key=lambda record: math.inf if record.value is None else sign * record.value)
    best, rest = ranked[: MOST_LINES // 2], ranked[MOST_LINES // 2 :]
    return best + rest[:: math.ceil(len(rest) / (MOST_LINES // 2))]


def _clip(figure: go.Figure, values: list[float]) -> str:
    """Keep far outliers from squeezing the axis, and say so."""
    if len(values) < 8:
        return ""
    low, _, high = statistics.quantiles(values, n=4)
    reach = 5 * (high - low)
    inside = [value for value in values if low - reach <= value <= high + reach]
    outside = len(values) - len(inside)
    if not outside or reach == 0:
        return ""
    margin = 0.05 * (max(inside) - min(inside))
    figure.update_layout(yaxis_range=[min(inside) - margin, max(inside) + margin])
    return f" {outside} far-off values lie outside the axis."
