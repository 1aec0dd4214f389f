from __future__ import annotations

import datetime

import pytest

from tests.support.studies import NINE, branched, large, study_of_several
from tuner.plots.study_comparison import Contestant, busy, by_time, by_trials, fronts
from tuner.protocol import State
from tuner.study import Record, Study
from tuner.study.trial_attributes import TrialAttributes


def contestant(study: Study) -> Contestant:
    return Contestant(study, tuple(study.records()), None)


def ran(begin: float, end: float) -> Record:
    """A trial by its seconds after nine."""
    start, stop = (NINE + datetime.timedelta(seconds=each) for each in (begin, end))
    return Record(0, State.COMPLETE, (1.0,), {}, None, "", {}, {}, [], {}, start, stop, None, TrialAttributes())


def test_wall_time_runs_while_a_trial_does_and_not_in_pauses() -> None:
    records = [ran(0, 1), ran(0, 2), ran(105, 106), ran(102, 110)]

    assert busy(records) == [1, 2, 6, 10]


def test_a_trial_of_unknown_times_takes_none() -> None:
    unknown = Record(0, State.COMPLETE, (1.0,), {}, None, "", {}, {}, [], {}, None, None, None, TrialAttributes())

    assert busy([unknown, ran(0, 3), unknown]) == [0, 3, 3]


def test_the_best_of_each_study_is_drawn_against_the_trials_that_had_ended() -> None:
    one, other = branched(40), large(40, 2)

    plot = by_trials([contestant(one), contestant(other)])

    assert plot.figure is not None
    assert [trace.name for trace in plot.figure.data] == ["branched", "large"]
    for trace, study in zip(plot.figure.data, (one, other), strict=True):
        best = study.best()
        assert best is not None
        assert (trace.y[-1], trace.x[-1]) == (best.value, 40)
    assert len({(trace.line.color, trace.line.dash) for trace in plot.figure.data}) == 2


def test_time_is_that_of_all_workers_together() -> None:
    study = large(40, 2)

    plot = by_time([contestant(study), contestant(study)])

    assert plot.figure is not None
    assert plot.figure.data[0].x[-1] == pytest.approx(max(busy(study.records())))


def test_several_objectives_have_their_fronts_drawn_together() -> None:
    studies = [study_of_several(20, 3), study_of_several(30, 3)]

    plot = fronts([contestant(study) for study in studies])

    assert plot.figure is not None
    assert [len(trace.x) for trace in plot.figure.data] == [len(study.front()) for study in studies]
    assert "first two objectives" in plot.caption


def test_studies_without_a_complete_trial_have_nothing_to_draw() -> None:
    study = branched(0)

    assert by_trials([contestant(study), contestant(study)]).figure is None
