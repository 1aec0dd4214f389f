"""The tasks of the other side: checks, pages, plots, importances and predictions.

They take and return plain values, since they run in another process than the server.
"""

from __future__ import annotations

import importlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuner.errors import StudyError, UsageError
from tuner.runtime.rounding import json_text
from tuner.service.pages.optuna_answers import optuna_answer

PRELOADED = (
    "tuner.search.check_space",
    "tuner.preflight",
    "tuner.final.save",
    "tuner.final.inference",
    "tuner.reports.study_report",
    "tuner.reports.comparison",
    "tuner.results.importances",
    "optuna_dashboard",
)
"""What takes seconds to import, and is not needed before a task."""


def prepare() -> None:
    """Import what tasks need."""
    for module in PRELOADED:
        importlib.import_module(module)


def check(text: str, file: str, base: str, settings: Sequence[tuple[str, Any]], storage: str) -> dict[str, Any]:
    """Check a space as `tuner check` does, and return what it found.

    Raises:
        SpaceError: its faults.
        UsageError: a setting has no place in it, or its warm start has no study.
    """
    from tuner.search.check_space import check as check_space
    from tuner.space import Space

    space = Space.parse(text, file, base, settings)
    try:
        found = check_space(space, storage=storage)
    except StudyError as error:  # of the warm start: the request itself names another study
        raise UsageError(str(error)) from None
    goal, data, model = found.goal, found.data, found.model
    rows = [] if goal is None else zip(goal.metrics, goal.titles, goal.directions, strict=True)
    return {
        "metrics": [{"name": name, "title": title, "direction": way.value} for name, title, way in rows],
        "bounds": [] if goal is None else [str(bound) for bound in goal.bounds],
        "data": None if data is None else asdict(data) | {"task": data.task.value},
        "model": None if model is None else asdict(model),
        "notes": list(found.notes),
        "warm_start": [str(config) for config in found.warm_start],
        "left_out": [str(out) for out in found.left_out],
    }


def report(storage: str, names: Sequence[str]) -> str:
    """Return the report of a study, or the comparison of several, as a page."""
    from tuner.reports import comparison, study_report

    several = [_results(storage, name) for name in names]
    return study_report.page(several[0]) if len(several) == 1 else comparison.page(several)


def plot(storage: str, name: str, kind: str, objective: int) -> dict[str, Any]:
    """Return a plot of a study, with its figure for plotly.js."""
    import plotly.io

    drawn = _drawn(_results(storage, name), kind, objective)
    table, figure = drawn.table, drawn.figure
    rows = [] if table is None else json.loads(json_text([list(row) for row in table.rows]))
    return {
        "title": drawn.title,
        "caption": drawn.caption,
        "missing": drawn.missing,
        "told": drawn.told,
        "notes": list(drawn.notes),
        "width": drawn.width,
        "table": None if table is None else {"head": list(table.head), "rows": rows},
        "figure": None if figure is None else json.loads(plotly.io.to_json(figure, validate=False, engine="json")),
    }


def importances(storage: str, name: str) -> list[dict[str, Any]]:
    """Return the importances of a study's parameters for each objective."""
    results = _results(storage, name)
    return [
        {
            "metric": metric,
            "method": "fANOVA",
            "evaluated": found.evaluated,
            "trials": found.trials,
            "doubt": found.doubt,
            "parameters": [_renamed(asdict(each)) for each in found.ranked],
        }
        for metric, found in zip(results.goal.metrics, results.importances, strict=True)
    ]


def predict(folder: str, inputs: str) -> dict[str, Any]:
    """Return the predictions of a final model for a file, as `tuner predict` makes them.

    This process goes to the file's folder. So answers and errors have the name of the file alone.
    """
    from tuner.errors import ChangedCode, UnseenWords
    from tuner.final import inference

    run, file = Path(folder).absolute(), Path(inputs)
    os.chdir(file.parent)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = inference.predict(run, file.name)
    told = [str(each.message) for each in caught if issubclass(each.category, ChangedCode | UnseenWords)]
    rows = json.loads(table.to_json(orient="records", double_precision=15))
    return {"columns": [str(column) for column in table.columns], "rows": rows, "notes": told}


TASKS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each for each in (check, report, plot, importances, predict, optuna_answer)
}


def _results(storage: str, name: str) -> Any:
    from tuner.results.results import Results
    from tuner.storage import open_storage
    from tuner.study import Attended, load_study

    return Results(Attended(load_study(open_storage(storage), name), storage))


def _drawn(results: Any, kind: str, objective: int) -> Any:
    import datetime

    from tuner import plots
    from tuner.plots.base import Plot
    from tuner.plots.forest_plot import forest
    from tuner.plots.pareto_front import pareto
    from tuner.plots.timeline import timeline

    goal = results.goal
    if objective >= len(goal.metrics):
        raise UsageError(f"objective {objective}: study {results.study.name} has {len(goal.metrics)}, counted from 0")
    match kind:
        case "curves":
            return plots.learning_curves(results)
        case "intermediate":
            return plots.intermediate_values(results)
        case "parallel":
            return plots.parallel_coordinates(results)
        case "failures":
            return plots.failures(results)
        case "timeline":
            return timeline(results.records, goal.titles, datetime.datetime.now())
        case "front":
            return Plot("Front", "", None, "the study has one objective") if goal.single else pareto(results)
        case "confirmation":
            found = results.confirmation
            return Plot("Confirmation", "", None, "the study is not confirmed") if found is None else forest(found)
        case _:
            drawing: Mapping[str, Callable[..., Any]] = {
                "history": plots.history,
                "importances": plots.importances,
                "contour": plots.contour,
                "regions": plots.regions,
                "costs": plots.costs,
                "slices": plots.slices,
            }
            return drawing[kind](results, objective)


def _renamed(importance: dict[str, Any]) -> dict[str, Any]:
    return {("told_from_chance" if key == "told" else key): value for key, value in importance.items()}
