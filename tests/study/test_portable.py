"""A study that is told as JSON and read again is the same study."""

from __future__ import annotations

import datetime
import json
import math

import optuna

from tests.support.asking import complete, left_running, opened
from tuner.protocol import Outcome, State
from tuner.results.results import Results
from tuner.results.summary import summary
from tuner.storage import open_storage
from tuner.study import Study, Unfinished, load_study
from tuner.study.portable import PortedStudy, storage_with, study_facts


def ported(study: Study) -> PortedStudy:
    facts = json.loads(json.dumps(study_facts(study, study.trials, {}), allow_nan=False))
    return PortedStudy(load_study(storage_with([facts]), study.name).optuna, facts["drivers"])


def test_every_trial_has_the_same_record(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    complete(trials, 0.7)
    trial = trials.ask()
    trials.tell(Outcome(trial.number, 1, State.FAILED, cause="ValueError: no", traceback="Traceback: no"))
    study = load_study(open_storage(url), "tiny")

    copy = ported(study)

    assert copy.records() == study.records()
    assert copy.domains() == study.domains()
    assert (copy.uid, copy.goal, copy.space) == (study.uid, study.goal, study.space)
    assert summary(Results(copy)) == summary(Results(study))


def test_numbers_that_json_does_not_have_come_back(url: str) -> None:
    study = optuna.create_study(storage=url, study_name="foreign")
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.suggest_categorical("c", [None, True, "a", 1.5])
    trial.report(math.inf, 1)
    trial.report(math.nan, 2)
    trial.set_user_attr("deep", {"list": [math.nan, {"float": "text"}, 1]})
    study.tell(trial, math.inf)
    study.set_user_attr("worst", -math.inf)

    copy = ported(load_study(open_storage(url), "foreign"))

    found, expected = copy.optuna.trials[0], study.trials[0]
    assert copy.optuna.user_attrs == {"worst": -math.inf}
    assert found.params == expected.params
    assert found.distributions == expected.distributions
    assert found.value == math.inf
    assert found.intermediate_values[1] == math.inf
    assert math.isnan(found.intermediate_values[2])
    assert math.isnan(found.user_attrs["deep"]["list"][0])


def test_times_are_those_of_this_machine(url: str) -> None:
    complete(opened(url), 0.9)
    study = load_study(open_storage(url), "tiny")
    before = study.records()[0].ended

    facts = study_facts(study, study.trials, None)

    assert before is not None
    assert datetime.datetime.fromisoformat(facts["trials"][0]["ended"]) == before.astimezone()
    assert ported(study).records()[0].ended == before


def test_a_trial_of_a_dead_driver_is_left_running(url: str) -> None:
    left_running(url)

    states = [record.state for record in ported(load_study(open_storage(url), "tiny")).records()]

    assert states == [State.COMPLETE, Unfinished.LEFT]
