from __future__ import annotations

import optuna
import pytest

from tests.conftest import TINY
from tests.plots.making import branched, study_of_several
from tests.study.asking import opened
from tuner.importances import importances_of
from tuner.port import Outcome, State
from tuner.study import Study, extract, sound


def test_parameters_of_a_branch_are_ranked_among_the_trials_of_that_branch() -> None:
    study = branched(200)

    found = importances_of(study, sound(study.records()))

    shares = {each.name: each for each in found.found}
    assert shares["optimizer.Adam.lr"].share > 0.8 > 0.2 > shares["optimizer.Adam.beta"].share
    assert shares["optimizer.Adam.lr"].overall < shares["optimizer.SGD.lr"].overall  # the best are all SGD's
    assert shares["optimizer.Adam.lr"].trials + shares["optimizer.SGD.lr"].trials == found.trials
    assert sum(each.overall for each in found.found) == pytest.approx(1)


def test_a_branch_is_named_by_what_chooses_it(url: str) -> None:
    trials = opened(url, TINY)
    for _ in range(12):
        asked = trials.ask()
        trials.tell(Outcome(asked.number, 1, State.COMPLETE, (0.1 * asked.number % 0.7,), 1))

    found = importances_of(trials.study, sound(trials.study.records()))

    where = {each.name: each.where for each in found.found}
    assert where["optimizer"] == ""
    assert where["optimizer.SGD.momentum"] == "where optimizer is SGD"
    assert where["model.hidden.1"] == "where model.hidden.length is 2"


def test_trials_out_of_bounds_decide_nothing() -> None:
    study = branched(60)
    chosen = sound(study.records())

    found = importances_of(study, chosen)

    assert found.trials == len(chosen) < 60
    assert 9.0 not in {trial.value for trial in extract(study, chosen).trials}


def test_each_objective_is_followed_in_its_own_direction() -> None:
    study = study_of_several(30, 2)

    taken = [extract(study, sound(study.records()), i) for i in (0, 1)]

    assert [each.direction for each in taken] == study.optuna.directions
    assert taken[1].best_value == min(record.values[1] for record in sound(study.records()))


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5]])
def test_nothing_is_said_before_two_values_differ(values: list[float]) -> None:
    study = optuna.create_study()
    space: dict[str, optuna.distributions.BaseDistribution] = {"x": optuna.distributions.FloatDistribution(0, 1)}
    for i, value in enumerate(values):
        study.add_trial(optuna.trial.create_trial(value=value, params={"x": i / 2}, distributions=space))

    found = importances_of(Study(study), sound(Study(study).records()))

    assert found.found == ()
