"""A prior helps where it is right, and costs little where it is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import optuna
import pytest

from benchmarks import prior_gain
from tests.support.asking import opened
from tuner.errors import SpaceError
from tuner.goal import Direction
from tuner.protocol import Outcome, State
from tuner.space import Space
from tuner.study.priors import LEANING, Priors

HEAD = "search: {trials: 40, sampler: {type: RandomSampler}, pruner: null}\n"
GOAL = "objective: {function: 'fit.py:fit', metric: score, direction: maximize}\n"
HOLES = """\
rate: {float: [1e-5, 1e-1], log: true, prior: {around: 1e-3}}
depth: {int: [1, 9], prior: {around: 3}}
kind: {choice: [a, b, {type: c, inner: {float: [0, 1], prior: {around: 1}}}], prior: {around: c}}
free: {float: [0, 1]}
"""


def asked(url: str, text: str = HEAD + GOAL + HOLES, trials: int = 1, scores: Sequence[float] = ()) -> Any:
    study = opened(url, text)
    for i in range(trials):
        number = study.ask().number
        study.tell(Outcome(number, 1, State.COMPLETE, (scores[i] if scores else 0.0,), 1))
    return study.study


def test_the_first_trial_has_the_values_of_the_priors(url: str) -> None:
    params = asked(url).records()[0].params

    assert {name: params[name] for name in params if name != "free"} == {
        "rate": pytest.approx(1e-3),
        "depth": 3,
        "kind": "c",
        "kind.c.inner": 1.0,
    }


def test_later_draws_are_around_them_on_the_scale_of_the_range_and_repeat_with_the_seed(url: str) -> None:
    study = asked(url, trials=40)
    trials = study.optuna.trials
    leaning = [trial for trial in trials if LEANING in trial.system_attrs]
    others = [trial for trial in trials if LEANING not in trial.system_attrs]

    assert 8 <= len(leaning) <= 30
    assert all(1e-5 <= trial.params["rate"] <= 1e-1 for trial in leaning)
    near = [sum(1e-4 < trial.params["rate"] < 1e-2 for trial in each) / len(each) for each in (leaning, others)]
    assert near[0] > near[1] + 0.15
    assert [trial.params for trial in trials] == [
        trial.params for trial in asked(url.replace("studies", "again"), trials=40).optuna.trials
    ]


def trial_of(number: int, leaning: bool, value: float) -> optuna.trial.FrozenTrial:
    trial = optuna.trial.create_trial(value=value, system_attrs={LEANING: True} if leaning else {})
    trial.number = number
    return trial


def test_the_share_follows_the_success_and_falls() -> None:
    priors = Priors(Space.parse(HEAD + GOAL + HOLES), Direction.MAXIMIZE)
    good = [trial_of(i, i % 2 == 0, i % 2 == 0) for i in range(20)]
    bad = [trial_of(i, i % 2 == 0, i % 2 == 1) for i in range(20)]

    assert priors.share([]) == 0.5
    assert priors.share(bad) < 0.05 < 0.5 < priors.share(good)
    assert priors.share([*good, *(trial_of(i, i % 2 == 0, i % 2 == 0) for i in range(20, 400))]) < 0.1


def test_a_prior_keeps_relations(url: str) -> None:
    text = HEAD.replace("}, pruner", '}, where: ["depth <= 2"], pruner') + GOAL + HOLES

    records = asked(url, text, trials=20).records()

    assert all(record.params["depth"] <= 2 for record in records)
    assert records[0].params["rate"] == pytest.approx(1e-3)


def test_a_prior_is_no_part_of_what_a_study_is() -> None:
    plain = HOLES.replace(", prior: {around: 1e-3}", "").replace(", prior: {around: 3}", "")

    assert Space.parse(HEAD + GOAL + HOLES).identity() == Space.parse(HEAD + GOAL + plain).identity()


@pytest.mark.parametrize(
    ("hole", "message"),
    [
        ("{float: [0, 1], prior: {around: 2}}", r"f:3:\d+: x.prior: around 2 is no value of {float: \[0.0, 1.0\]}"),
        ("{int: [0, 4], prior: {around: 2.5}}", "around 2.5 is no value of"),
        ("{int: [0, 4], step: 2, prior: {around: 3}}", "around 3 is no value of"),
        ("{choice: [a, b], prior: {around: c}}", "around c is no value of"),
        ("{float: [0, 1], prior: 0.5}", r"a prior has one key, the value that it is around"),
        ("{float: [0, 1], prior: {around: 0.5, width: 2}}", "a prior has one key"),
        ("{float: [0, 1], prio: {around: 0.5}}", r"did you mean prior\?"),
        ("{ref: y, prior: {around: 0.5}}", "prior does not belong to ref"),
    ],
)
def test_a_prior_that_is_none_is_refused_at_its_place(hole: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        Space.parse(f"{HEAD}{GOAL}x: {hole}\ny: 1\n", "f")


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["RandomSampler", "TPESampler"])
def test_a_right_prior_gains_much_and_a_wrong_one_costs_little(sampler: str) -> None:
    none, right, wrong = (prior_gain.means(sampler, spread, 12) for spread in (None, 0.1, 0.6))

    assert fmean(right) < 0.75 * fmean(none)
    assert right[0] < 0.5 * none[0]
    assert wrong[-1] < none[1], "fifty trials with a wrong prior are worth more than half of that without one"


def test_the_benchmarks_spaces_are_sound() -> None:
    text = prior_gain.text_of("RandomSampler", prior_gain.prior_of(prior_gain.optimum(1), 0.6, 1), 3)

    assert json.loads(text)["a"]["prior"]
    assert len(prior_gain.curve("RandomSampler", 0.6, 1, 3)) == 3


def test_a_prior_whose_own_config_was_tried_still_leads_trials(url: str) -> None:
    text = HEAD.replace("trials: 40", "trials: 40, enqueue: [{depth: 3}]") + GOAL
    study = asked(url, text + "depth: {int: [1, 400], prior: {around: 3}}\n", trials=20)

    assert sum(LEANING in trial.system_attrs for trial in study.optuna.trials) >= 3


def test_trials_that_break_a_constraint_are_no_success_of_a_prior() -> None:
    priors = Priors(Space.parse(HEAD + GOAL + HOLES), Direction.MAXIMIZE)
    good = [trial_of(i, i % 2 == 0, i % 2 == 0) for i in range(20)]
    for trial in good[::2]:
        trial.system_attrs["constraints"] = [1.0]

    assert priors.share(good) < 0.1
