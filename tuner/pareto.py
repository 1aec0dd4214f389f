"""The plot of a front: what several objectives cost each other."""

from __future__ import annotations

from typing import Any

import optuna.visualization as viz

from tuner.plots import COLOURS, GREY, Plot
from tuner.study import Study

MOST_AXES = 3
"""A space of more axes cannot be drawn: the first two objectives are, and the caption says so."""

_LOOKS = {
    "Trial": ("Dominated", COLOURS[4], "circle"),
    "Feasible Trial": ("Dominated", COLOURS[4], "circle"),
    "Best Trial": ("Front", COLOURS[1], "diamond"),
    "Infeasible Trial": ("Out of bounds", GREY, "circle-open"),
}
"""Optuna's kinds of points, by the end of their hover texts: name, colour and symbol."""


def pareto(study: Study) -> Plot:
    """Every complete trial by its values; those of the front, which none beats in all objectives, stand out."""
    title, metrics = "Pareto front", study.goal.metrics
    if not any(record.complete for record in study.records()):
        return Plot(title, "", None, "no trial is complete yet")
    if len(metrics) > MOST_AXES:
        axes: dict[str, Any] = {"targets": lambda trial: trial.values[:2], "target_names": list(metrics[:2])}
    else:
        axes = {"target_names": list(metrics)}
    figure = viz.plot_pareto_front(study.optuna, **axes)
    figure.data = [trace for trace in figure.data if len(trace.x or ())]
    for trace in figure.data:
        kind = trace.hovertemplate.partition("<extra>")[2].removesuffix("</extra>")
        name, colour, symbol = _LOOKS[kind]
        trace.update(name=name, showlegend=True)
        trace.marker = {"color": colour, "symbol": symbol, "size": 9 if name == "Front" else 7}
    figure.update_layout(height=520)
    return Plot(title, _caption(study), figure)


def _caption(study: Study) -> str:
    caption = "Each point is a complete trial. None is as good as one on the front in all objectives and better in one."
    if study.goal.bounds:
        caption += f" Out of bounds is what breaks {', '.join(map(str, study.goal.bounds))}."
    if len(study.goal.metrics) > MOST_AXES:
        caption += f" It is the front in all {len(study.goal.metrics)} objectives, seen from the first two."
    return caption
