from __future__ import annotations

from tests.support.studies import branched, large, study_of
from tuner import plots
from tuner.results.results import Results


def test_the_five_best_have_their_curves_each_to_be_told_apart_without_colours() -> None:
    study = large(60, 4)

    plot = plots.learning_curves(Results(study))

    assert plot.figure is not None
    accuracy = [trace for trace in plot.figure.data if trace.yaxis == "y"]
    best = study.ranked(study.records())[:5]
    assert [trace.name for trace in accuracy] == [f"trial {record.number}" for record in best]
    assert list(accuracy[0].y) == best[0].history["accuracy"]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in accuracy}) == 5
    assert len(plot.figure.data) == 5 + 10  # below, both losses of each


def test_pruned_trials_are_not_among_the_best() -> None:
    study = study_of(30)

    plot = plots.learning_curves(Results(study))

    assert plot.table is not None
    numbers = [row[0] for row in plot.table.rows]
    assert all(study.record(int(str(number))).complete for number in numbers)


def test_trials_that_reported_nothing_have_no_curves() -> None:
    study = branched(12)

    assert plots.learning_curves(Results(study)).missing == "no complete trial has reported an epoch"


def test_many_trials_are_a_few_lines_of_the_best_and_an_even_sample() -> None:
    study = study_of(1000)

    plot = plots.intermediate_values(Results(study))

    assert plot.figure is not None
    assert "200 of 1000 trials are drawn" in plot.caption
    shown = {number for trace in plot.figure.data for number in trace.customdata if number == number}
    assert len(shown) == plots.MOST_LINES
