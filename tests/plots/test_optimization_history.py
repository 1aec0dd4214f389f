from __future__ import annotations

from tests.support.studies import branched, study_of, study_of_several
from tuner import plots
from tuner.goal import Direction
from tuner.plots.base import MOST_POINTS, fences, thinned
from tuner.plots.base import losses as losses_of
from tuner.results.results import Results


def test_a_far_off_value_does_not_squeeze_the_history() -> None:
    study = study_of(30)

    plot = plots.history(Results(study))

    assert plot.figure is not None
    assert plot.figure.layout.yaxis.range[1] < 10
    assert "1 far-off value lies" in plot.caption


def test_trials_without_a_value_are_shown_with_their_reason_on_no_axis_of_values() -> None:
    study = study_of(12)

    plot = plots.history(Results(study))

    assert plot.figure is not None
    rug = next(trace for trace in plot.figure.data if trace.name == "Ended early")
    others = [record for record in study.records() if record.state not in ("complete", "pruned")]
    assert list(rug.x) == [record.number for record in others] == [5, 9, 11]
    assert rug.yaxis == "y2"
    best = next(trace for trace in plot.figure.data if trace.name == "Best Value")
    assert max(best.y) < 1e6


def test_pruned_trials_stand_at_the_last_value_that_they_reported() -> None:
    study = study_of(12)

    figure = plots.history(Results(study)).figure

    assert figure is not None
    pruned = next(trace for trace in figure.data if trace.name == "Pruned")
    last = {trial.number: list(trial.intermediate_values.values())[-1] for trial in study.optuna.trials}
    assert list(pruned.x) == [2, 8]
    assert list(pruned.y) == [last[2], last[8]]


def test_what_is_out_of_bounds_is_never_the_best_so_far() -> None:
    study = branched(30)

    figure = plots.history(Results(study)).figure

    assert figure is not None
    points = {trace.name: trace for trace in figure.data}
    assert max(points["Best Value"].y) < 0.1
    assert set(points["Out of bounds"].y) == {9.0}
    assert figure.layout.yaxis.range[1] < 0.2  # which does not squeeze the others


def test_each_of_several_objectives_has_its_best_in_its_own_direction() -> None:
    study = study_of_several(30, 2)

    for i, rises in ((0, True), (1, False)):
        plot = plots.history(Results(study), i)
        assert plot.figure is not None
        best = next(trace for trace in plot.figure.data if trace.name == "Best Value")
        assert list(best.y) == sorted(best.y, reverse=not rises)


def test_of_very_many_trials_the_best_half_and_an_even_sample_are_drawn() -> None:
    study = study_of(30)
    many = study.records() * 100

    shown = thinned(many, losses_of(study.goal, 0))

    assert len(shown) <= MOST_POINTS
    assert [record.number for record in shown] == sorted(record.number for record in shown)
    best = sorted(many, key=losses_of(study.goal, 0))[: MOST_POINTS // 2]
    assert sum(record.value == best[0].value for record in shown) == sum(
        record.value == best[0].value for record in many
    )


def test_values_that_are_nearly_all_the_same_have_no_far_off_ones() -> None:
    assert fences([1.0] * 20 + [7.0], Direction.MINIMIZE)[1] == float("inf")


def test_the_best_are_never_far_off() -> None:
    values = [*(i / 10 for i in range(20)), 99.0]

    assert fences(values, Direction.MAXIMIZE)[1] == float("inf")
    assert fences(values, Direction.MINIMIZE)[1] < 99
