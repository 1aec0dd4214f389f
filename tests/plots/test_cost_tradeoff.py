from __future__ import annotations

import optuna

from tests.support.studies import study_of, study_of_several
from tuner import plots
from tuner.plots.cost_tradeoff import frontier
from tuner.results.results import Results
from tuner.study import Study
from tuner.study.trial_attributes import HISTORY


def costly(*trials: tuple[float, float, float], violation: float = -1.0) -> Study:
    """Trials by seconds, number of parameters and accuracy; the last one is out of bounds."""
    study = optuna.create_study(direction="maximize")
    study.set_metric_names(["accuracy"])
    for i, (seconds, parameters, accuracy) in enumerate(trials):
        history = {"seconds": [seconds], "accuracy": [accuracy], "parameters": [parameters], "epoch": [1]}
        user, system = {"attempt": 1, "state": "complete"}, {HISTORY: history}
        bound = {"size": 1.0 if i == len(trials) - 1 else -1.0}
        study.add_trial(
            optuna.trial.create_trial(value=accuracy, user_attrs=user, system_attrs=system, constraints=bound)
        )
    return Study(study)


def test_the_line_joins_what_cannot_be_had_for_less() -> None:
    study = costly((1, 50, 0.5), (2, 60, 0.4), (3, 10, 0.9), (9, 90, 0.8), (0.1, 1, 0.99))

    plot = plots.costs(Results(study))

    assert plot.table is not None
    assert plot.table.rows == (("seconds", 1, 0.5, 0), ("seconds", 3, 0.9, 2), ("parameters", 10, 0.9, 2))
    assert [record.number for record in frontier(study.goal, study.records()[:4], "parameters", 0)] == [2]


def test_what_models_cost_has_a_panel_of_its_own() -> None:
    study = costly((1, 50, 0.5), (2, 60, 0.4), (3, 10, 0.9))

    figure = plots.costs(Results(study)).figure

    assert figure is not None
    assert figure.layout.xaxis.title.text == "seconds of training"
    assert figure.layout.xaxis2.title.text == "parameters"


def test_far_off_values_are_left_out_of_every_panel() -> None:
    study = costly(*((i, i, 0.9 + i / 1000) for i in range(1, 20)), (20, 20, -50.0), (21, 21, 1.0))

    plot = plots.costs(Results(study))

    assert plot.figure is not None
    assert "1 far-off value lies" in plot.caption
    assert plot.figure.layout.yaxis.range == plot.figure.layout.yaxis2.range
    assert plot.figure.layout.yaxis.range[0] > 0.8


def test_each_objective_is_drawn_against_what_it_cost() -> None:
    study = study_of_several(12, 2)

    plot = plots.costs(Results(study), 1)

    assert plot.title == "Cost against value of value 1"
    assert plot.figure is not None


def test_before_a_trial_is_complete_there_is_nothing_to_draw() -> None:
    study = study_of(0)

    assert plots.costs(Results(study)).missing == "no complete trial has a known cost"
