"""Plots of a study, one file for each family, drawn so that failures, outliers and great numbers do not distort.

A new plot is one new file with a function that returns a `Plot`, and a line in `all_plots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from tuner.results.importances import importances_of
from tuner.study import Record, Study, sound

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


def all_plots(study: Study, records: Sequence[Record]) -> Iterator[Plot]:
    """Yield the plots of a study in reading order.

    With several objectives, some plots come once per objective.

    Args:
        study: the study of the records.
        records: all of its trials, by number.
    """
    objectives = range(len(study.goal.metrics))
    measured = [importances_of(study, sound(records), i) for i in objectives]
    rankings = [[each.name for each in found.ranked] for found in measured]
    yield from (history(study, records, i) for i in objectives)
    yield from (importances(study, measured[i], i) for i in objectives)
    yield from (contour(study, records, measured[i], i) for i in objectives)
    yield from (regions(study, records, i) for i in objectives if study.goal.metrics[i] not in COSTS)
    yield learning_curves(study, records)
    if study.goal.single:
        yield intermediate_values(study, records)
    yield from (costs(study, records, i) for i in objectives if study.goal.metrics[i] not in COSTS)
    yield parallel_coordinates(study, records, rankings[0])
    yield from (slices(study, records, i, rankings[i]) for i in objectives)
    yield failures(records)
