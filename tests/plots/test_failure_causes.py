from __future__ import annotations

from tests.support.records import status_of
from tests.support.studies import study_of
from tuner import plots
from tuner.results.results import Results
from tuner.study import Record
from tuner.study.study import Snapshot
from tuner.study.trial_attributes import TrialAttributes


def ended(number: int, state: str, cause: str = "") -> Record:
    return Record(number, status_of(state), (), {}, None, cause, {}, {}, [], {}, None, None, None, TrialAttributes())


def test_what_was_pruned_is_counted_but_is_no_failure() -> None:
    records = [ended(0, "pruned", "so"), ended(1, "lost", "its worker died"), ended(2, "complete")]

    plot = plots.failures(Results(study_of(0), Snapshot(records, [])))

    assert plot.figure is not None
    assert plot.caption.startswith("1 of 3 trials failed")
    assert "1 were pruned, which is no failure" in plot.caption
    assert plot.table is not None
    assert plot.table.rows == (("lost", "its worker died", 1, 1),)


def test_where_nothing_failed_there_is_nothing_to_draw() -> None:
    assert plots.failures(Results(study_of(2))).missing == "no trial has failed"
