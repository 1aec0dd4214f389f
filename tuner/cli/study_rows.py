"""The rows of `tuner list`, from a study that was read or as a server lists it."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from tuner.cli.home import JobRow, StudyRow
from tuner.runtime.rounding import value_text

if TYPE_CHECKING:
    from tuner.results.results import Results
    from tuner.service.schemas import StudyView

CONFIRMATION = "(confirmation)"


def row_of(results: Results) -> StudyRow:
    """Return the row of a study."""
    return StudyRow(
        name=results.study.name,
        metrics=results.goal.titles,
        best=_standing(results),
        states=collections.Counter(str(record.state) for record in results.records),
        ignored=len(results.records) - len(results.counted),
        failed=results.failures.sentence,
    )


def row_of_view(view: StudyView, failed: str) -> StudyRow:
    """Return the row of a study of a server; `failed` is its sentence about failures."""
    from tuner.cli.views.widgets import NOTHING

    if view.kind == "confirmation":
        best = CONFIRMATION
    elif len(view.metrics) > 1:
        best = f"a front of {len(view.front)}"
    else:
        best = NOTHING if view.best is None or view.best.value is None else value_text(view.best.value)
    titles = [metric.title for metric in view.metrics]
    return StudyRow(view.name, titles, best, view.trials.by_state, view.trials.ignored, failed, _job(view))


def _job(view: StudyView) -> JobRow | None:
    if view.job is None:
        return None
    told = view.reason if view.wait is None else view.wait.sentence
    return JobRow(view.state, view.owner or "", view.priority or 0, told)


def _standing(results: Results) -> str:
    from tuner.cli.views.widgets import NOTHING

    if results.confirms:
        return CONFIRMATION
    if results.goal.single:
        return NOTHING if results.best is None else value_text(results.best.value)
    return f"a front of {len(results.front)}"
