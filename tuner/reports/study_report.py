"""The report: a study on one HTML page that opens offline."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Sequence
from pathlib import Path

from tuner import plots
from tuner.plots.forest import forest
from tuner.plots.pareto_front import pareto
from tuner.plots.timeline import timeline
from tuner.reports import html
from tuner.results import best_config
from tuner.results.answer import answer_of
from tuner.results.confirmation import read
from tuner.results.failures import failures_of
from tuner.results.summary import circumstances
from tuner.results.wording import between, verdict
from tuner.runtime.files import refuse_foreign, write_whole
from tuner.runtime.rounding import value_text
from tuner.study import Record, Study

MOST_ROWS = 1000
"""Largest number of trials in the table: the latest."""


def report(study: Study, out: Path) -> None:
    """Write the report of a study.

    Args:
        study: a study with any number of trials, also none.
        out: the file to write.

    Raises:
        UsageError: `out` exists and is no report.
        TunerError: `out` cannot be written.
    """
    refuse_foreign(out, html.MARK)
    write_whole(out, page(study).encode())


def page(study: Study) -> str:
    """Return the whole page as text."""
    records = study.records()
    front = study.front(records)
    best = front[0] if front and study.goal.single else None
    found = read(study)
    answer = answer_of(study, records, found)
    confirmed = [] if found is None else [forest(found)]
    fronts = [] if study.goal.single else [pareto(study, records)]
    parameters = _parameters(records)
    rows = records[-MOST_ROWS:]
    headings, cells = _table(rows, study.goal.titles, parameters)
    times = timeline(records, study.goal.titles, datetime.datetime.now())
    return html.render(
        "report.html.j2",
        [*confirmed, *fronts, *plots.all_plots(study, records), times],
        study=study,
        notes=list(circumstances(study)),
        goal=study.goal,
        best=best,
        answer=answer,
        found=found,
        verdict=verdict,
        between=between,
        front=front,
        on_front={record.number for record in front},
        best_config=best_config.export(study, answer.trial.number) if answer is not None and study.made_here else None,
        states=", ".join(f"{n} {state}" for state, n in collections.Counter(each.state for each in records).items()),
        total=len(records),
        failures=failures_of(records),
        seconds=html.length(sum(record.seconds or 0.0 for record in records)),
        rows=rows,
        row_cells={row.number: found for row, found in zip(rows, cells, strict=True)},
        parameters=parameters,
        headings=headings,
    )


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
