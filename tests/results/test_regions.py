from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
import pytest

from tests.support.studies import branched
from tuner.plots.base import losses
from tuner.protocol import State
from tuner.results.regions import End, regions
from tuner.study import Choices, Domain, Range, Record, Study, sound
from tuner.study.distributions import domains
from tuner.study.trial_attributes import TrialAttributes


def record(number: int, value: float, **params: object) -> Record:
    none = TrialAttributes()
    return Record(number, State.COMPLETE, (value,), params, None, "", {}, {}, [], {}, None, None, None, none)


def of_top(domain: Domain, top: Sequence[object], name: str = "optimizer.lr") -> str:
    """The advice on a parameter that has these values in the best trials, and a middle one in ten others."""
    middle = domain.labels[0] if isinstance(domain, Choices) else domain.value(0.5)
    values = [*top, *[middle] * 10]
    chosen = [record(i, float(i), **{name: value}) for i, value in enumerate(values)]
    return regions(chosen, {name: domain}, lambda record: record.values[0])[0].advice


def test_a_bound_that_the_best_press_against_is_to_be_widened() -> None:
    rate = Range(1e-4, 0.1, log=True, whole=False)

    told = of_top(rate, [0.09, 0.1, 0.08, 0.001, 0.095])

    assert told == "optimizer.lr: 4 of the top 5 within 10% of the upper bound 0.1: widen it"


def test_near_is_measured_on_the_parameters_own_scale() -> None:
    values = [1e-4, 1.2e-4, 2e-4, 3e-4, 4e-4]  # all within 10 % of a linear range, two of the log one

    assert of_top(Range(1e-4, 0.1, log=True, whole=False), values) == ""
    assert "5 of the top 5 within 10% of the lower bound 0.0001" in of_top(
        Range(1e-4, 0.1, log=True, whole=False), [1e-4, 1.1e-4, 1.2e-4, 1.05e-4, 1.3e-4]
    )


@pytest.mark.parametrize(
    ("name", "domain", "value"),
    [
        ("model.dropout", Range(0, 0.5, log=False, whole=False), 0.0),
        ("optimizer.SGD.momentum", Range(0.5, 0.99, log=False, whole=False), 0.99),
        ("model.hidden.length", Range(1, 30, log=False, whole=True, step=1), 1),
        ("model.units", Range(1, 512, log=True, whole=True, step=1), 1),
    ],
)
def test_a_bound_that_cannot_be_moved_is_not_to_be_widened(name: str, domain: Range, value: float) -> None:
    assert of_top(domain, [value] * 5, name) == ""


@pytest.mark.parametrize(
    ("name", "domain", "value"),
    [
        ("model.dropout", Range(0, 0.5, log=False, whole=False), 0.5),
        ("model.units", Range(16, 512, log=True, whole=True, step=1), 16),
        ("model.shift", Range(-1, 1, log=False, whole=False), -1.0),
    ],
)
def test_one_that_can_be_is(name: str, domain: Range, value: float) -> None:
    assert "widen it" in of_top(domain, [value] * 5, name)


def test_what_the_sampler_has_crowded_is_no_sign() -> None:
    domain = Range(1, 3, log=False, whole=True, step=1)
    best, others = [3, 3, 3, 3, 2], [3] * 8 + [1, 2]

    crowded = [record(i, float(i), depth=value) for i, value in enumerate([*best, *others])]
    rare = [record(i, float(i), depth=value) for i, value in enumerate([*best, *[1, 2] * 5])]

    assert regions(crowded, {"depth": domain}, lambda each: each.values[0])[0].advice == ""
    assert "4 of the top 5 within 10% of the upper bound 3" in (
        regions(rare, {"depth": domain}, lambda each: each.values[0])[0].advice
    )


def pressed(study: optuna.Study) -> set[tuple[str, End]]:
    found = regions(sound(Study(study).records()), domains(study.trials), losses(Study(study).goal, 0))
    return {(each.name, each.pressed) for each in found if each.pressed is not None}


def learnt(value: Callable[[Mapping[str, Any], random.Random], float], trials: int, seed: int) -> optuna.Study:
    """A study by TPE over four parameters, a stepped and a logarithmic one among them."""
    chance = random.Random(seed)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, group=True))
    for _ in range(trials):
        trial = study.ask(SEARCHED)
        study.tell(trial, value(trial.params, chance))
    return study


SEARCHED: dict[str, optuna.distributions.BaseDistribution] = {
    "sixths": optuna.distributions.FloatDistribution(0, 0.5, step=0.1),
    "log": optuna.distributions.IntDistribution(1, 64, log=True),
    "fine": optuna.distributions.FloatDistribution(0, 1),
    "other": optuna.distributions.FloatDistribution(0, 1),
}


def test_noise_presses_against_no_bound_though_the_sampler_learns_from_it() -> None:
    alarms = [pressed(learnt(lambda params, chance: chance.gauss(0, 1), 30, seed)) for seed in range(10)]

    assert sum(map(bool, alarms)) <= 2  # 5 % of 10 studies is 0.5; more than 2 come with a probability of 1 in 90


def test_a_cut_off_optimum_is_found_though_the_sampler_crowds_it() -> None:
    found = [
        pressed(learnt(lambda params, chance: -params["fine"] + 0.05 * chance.gauss(0, 1), 40, seed))
        for seed in range(6)
    ]

    assert sum(("fine", End.UPPER) in each for each in found) >= 5


def test_a_parameter_of_a_branch_is_looked_at_among_the_trials_of_that_branch() -> None:
    study = branched(200)

    found = {each.name: each for each in regions(sound(study.records()), study.domains(), losses(study.goal, 0))}

    assert found["optimizer.SGD.lr"].pressed is End.UPPER
    assert found["optimizer.Adam.lr"].pressed is End.LOWER  # though no trial of Adam is among the best
    assert found["optimizer"].told == "SGD in 5 of the top 5"
    low, high = found["optimizer.SGD.lr"].low, found["optimizer.SGD.lr"].high
    assert low is not None
    assert high is not None
    assert 0.04 < low < high <= 0.1


def test_five_trials_are_too_few_to_say_so() -> None:
    domain = Range(1e-4, 0.1, log=True, whole=False)
    chosen = [record(i, float(i), lr=0.1) for i in range(5)]

    assert regions(chosen, {"lr": domain}, lambda record: record.values[0])[0].advice == ""


def test_what_does_not_vary_has_no_region() -> None:
    chosen = [record(0, 0.5, lr=0.1, kind="a")]

    assert regions(chosen, {"lr": Range(0.1, 0.1, False, False), "kind": Choices(("a",))}, lambda each: 0.0) == []
