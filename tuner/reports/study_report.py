"""The report: a study on one HTML page that opens offline."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Sequence
from pathlib import Path

from tuner import plots
from tuner.plots.forest_plot import forest
from tuner.plots.pareto_front import pareto
from tuner.plots.timeline import timeline
from tuner.protocol import State
from tuner.reports import html
from tuner.results import best_config
from tuner.results.results import Results
from tuner.results.summary import circumstances
from tuner.results.wording import between, verdict
from tuner.runtime.files import refuse_foreign, write_whole
from tuner.runtime.rounding import value_text
from tuner.study import Record

MOST_ROWS = 1000
"""Largest number of trials in the table: the latest."""


def report(results: Results, out: Path) -> None:
    """Write the report of a study.

    Args:
        results: of a study with any number of trials, none included.
        out: the file to write.

    Raises:
        UsageError: `out` exists and is no report.
        TunerError: `out` cannot be written.
    """
    refuse_foreign(out, html.MARK)
    write_whole(out, page(results).encode())


def page(results: Results) -> str:
    """Return the whole page as text."""
    study, records, goal = results.study, results.records, results.goal
    found = results.confirmation
    confirmed = [] if found is None else [forest(found)]
    fronts = [] if goal.single else [pareto(results)]
    parameters = _parameters(records)
    rows = records[-MOST_ROWS:]
    headings, cells = _table(rows, goal.titles, parameters)
    times = timeline(records, goal.titles, datetime.datetime.now())
    return html.render(
        "report.html.j2",
        [*confirmed, *fronts, *plots.all_plots(results), times],
        study=study,
        State=State,
        notes=list(circumstances(results)),
        goal=goal,
        best=results.best,
        answer=results.answer,
        found=found,
        verdict=verdict,
        between=between,
        front=results.front,
        on_front={record.number for record in results.front},
        best_config=_best_config(results),
        states=", ".join(f"{n} {state}" for state, n in collections.Counter(each.state for each in records).items()),
        total=len(records),
        failures=results.failures,
        seconds=html.length(sum(record.seconds or 0.0 for record in records)),
        rows=rows,
        row_cells={row.number: found for row, found in zip(rows, cells, strict=True)},
        parameters=parameters,
        headings=headings,
    )


def _best_config(results: Results) -> str | None:
    """Return the answer's config as text; None without an answer, or without a space to fill."""
    if results.answer is None or not results.study.made_here:
        return None
    return best_config.export(results, results.answer.trial.number)


def _table(
    rows: Sequence[Record], titles: Sequence[str], parameters: Sequence[str]
) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return the headings and cells of the trials, without columns that are empty for all."""
    headings = ["Trial", "State", *titles, "Epoch", "Seconds", *parameters, "Why"]
    cells = [_cells(row, len(titles), parameters) for row in rows]
    kept = [i for i in range(len(headings)) if any(row[i] not in (None, "") for row in cells)]
    return [headings[i] for i in kept], [tuple(row[i] for i in kept) for row in cells]


def _cells(record: Record, objectives: int, parameters: Sequence[str]) -> tuple[object, ...]:
    values = record.values or (None,) * objectives
    settings = (_setting(record.params[name]) if name in record.params else None for name in parameters)
    return record.number, record.state, *values, record.epoch, record.seconds, *settings, record.why


def _setting(value: object) -> object:
    """Return a parameter's value for a cell: floats unchanged, for sorting; others as YAML."""
    return value if isinstance(value, float) else value_text(value)


def _parameters(records: Sequence[Record]) -> list[str]:
    names = dict.fromkeys(name for record in records for name in record.params)
    return list(names)
