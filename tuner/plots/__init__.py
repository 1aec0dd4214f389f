"""Plots of a study, one file for each family, drawn so that failures, outliers and great numbers do not distort.

A new plot is one new file with a function that returns a `Plot`, and a line in `all_plots`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tuner.goal import COSTS
from tuner.plots.base import COLOURS, GREY, INK, PLOTLY, Plot, Table
from tuner.plots.best_regions import regions
from tuner.plots.contour import contour
from tuner.plots.cost_tradeoff import costs
from tuner.plots.failure_causes import failures
from tuner.plots.learning_curves import MOST_LINES, intermediate_values, learning_curves
from tuner.plots.optimization_history import history
from tuner.plots.parallel_coordinates import parallel_coordinates
from tuner.plots.param_importances import importances
from tuner.plots.slices import slices
from tuner.results.results import Results

__all__ = [
    "COLOURS",
    "GREY",
    "INK",
    "MOST_LINES",
    "PLOTLY",
    "Plot",
    "Table",
    "all_plots",
    "contour",
    "costs",
    "failures",
    "history",
    "importances",
    "intermediate_values",
    "learning_curves",
    "parallel_coordinates",
    "regions",
    "slices",
]


def all_plots(results: Results) -> Iterator[Plot]:
    """Yield the plots of a study in reading order.

    With several objectives, some plots come once per objective.
    """
    goal = results.goal
    objectives = range(len(goal.metrics))
    valued = [i for i in objectives if goal.metrics[i] not in COSTS]
    yield from (history(results, i) for i in objectives)
    yield from (importances(results, i) for i in objectives)
    yield from (contour(results, i) for i in objectives)
    yield from (regions(results, i) for i in valued)
    yield learning_curves(results)
    if goal.single:
        yield intermediate_values(results)
    yield from (costs(results, i) for i in valued)
    yield parallel_coordinates(results)
    yield from (slices(results, i) for i in objectives)
    yield failures(results)
