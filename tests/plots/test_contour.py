from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.support.studies import branched, large, study_of
from tuner import plots
from tuner.plots.contour import smoothed
from tuner.results.results import Results
from tuner.study import Study, sound


def drawn(study: Study) -> plots.Plot:
    return plots.contour(Results(study))


def test_the_two_most_important_that_trials_have_together_are_drawn() -> None:
    figure = drawn(branched(60)).figure

    assert figure is not None
    axes = {figure.layout.xaxis.title.text, figure.layout.yaxis.title.text}
    assert axes == {"optimizer.Adam.lr", "optimizer.Adam.beta"}  # of SGD's trials but one parameter varies
    area, points = figure.data
    assert len(points.x) == sum(record.params["optimizer"] == "Adam" for record in sound(branched(60).records()))
    assert np.nanmax(area.z) < 0.1  # those out of bounds have 9


def test_it_is_of_a_sample_where_there_are_many_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[smoothed.__module__], "MOST_TRIALS", 20)

    plot = drawn(large(80, 1))

    assert plot.figure is not None
    assert len(plot.figure.data[1].x) == 20
    assert "20 of 25 trials are drawn" in plot.caption


def test_a_far_off_value_does_not_take_the_colours() -> None:
    figure = drawn(study_of(30)).figure

    assert figure is not None
    assert np.nanmax(figure.data[0].z) < 10


def test_the_plane_is_blank_where_no_trial_was_near_and_labels_do_not_mix() -> None:
    x, y = np.array([0.0, 0.05, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])

    surface = smoothed(x, y, np.array([1.0, 3.0, 9.0, 9.0]), np.array([0.0, 0.9]), np.array([0.0, 1.0]))

    assert 1 < surface[0, 0] < 3
    assert surface[1, 0] == 9
    assert np.isnan(surface[:, 1]).all()


def test_a_single_point_has_no_surface_around_it() -> None:
    x, y = np.array([0.0, 0.02, 0.9]), np.array([0.0, 0.02, 0.9])

    surface = smoothed(x, y, np.array([1.0, 2.0, 9.0]), np.array([0.0, 0.9]), np.array([0.0, 0.9]))

    assert np.isfinite(surface).tolist() == [[True, False], [False, False]]


def test_two_single_points_have_no_surface_between_them() -> None:
    x, y = np.array([0.0, 0.25]), np.array([0.5, 0.5])

    surface = smoothed(x, y, np.array([1.0, 2.0]), np.linspace(0, 1, 101), np.array([0.5]))

    assert np.isnan(surface).all()


def test_a_surface_lies_under_each_point_that_has_a_part_in_it() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.random(40), generator.random(40)
    values = generator.random(40)

    whole = np.array([smoothed(x, y, values, x[[i]], y[[i]])[0, 0] for i in range(40)])
    lone = np.isnan(whole)
    without = np.array([smoothed(x[~lone], y[~lone], values[~lone], x[[i]], y[[i]])[0, 0] for i in range(40)])

    assert 0 < lone.sum() < 40
    assert np.array_equal(whole, without, equal_nan=True)  # those that are alone have no part


def test_a_single_parameter_has_no_interaction() -> None:
    plot = drawn(study_of(1))

    assert plot.figure is None
    assert plot.missing == "needs 4 complete trials that differ in two parameters"
