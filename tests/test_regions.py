from __future__ import annotations

from collections.abc import Sequence

import optuna
import pytest

from tests.plots.making import branched
from tuner.plots.plot import losses
from tuner.regions import End, regions
from tuner.study import Choices, Domain, Range, Record, sound
from tuner.study.domain import domains


def record(number: int, value: float, **params: object) -> Record:
    return Record(number, "complete", (value,), params, None, "", {}, {}, [], {}, None, None, None, {})


def of_top(domain: Domain, top: Sequence[object], name: str = "optimizer.lr") -> str:
    """The advice on a parameter that has these values in the best trials, and a middle one in ten others."""
    middle = domain.labels[0] if isinstance(domain, Choices) else domain.value(0.5)
    values = [*top, *[middle] * 10]
    chosen = [record(i, float(i), **{name: value}) for i, value in enumerate(values)]
    return regions(chosen, {name: domain}, lambda record: record.values[0])[0].advice


def test_a_bound_that_the_best_press_against_is_to_be_widened() -> None:
    rate = Range(1e-4, 0.1, log=True, whole=False)

    told = of_top(rate, [0.09, 0.1, 0.08, 0.001, 0.095])

    assert told == "optimizer.lr: 4 of the top 5 within 5% of the upper bound 0.1: widen it"


def test_near_is_measured_on_the_parameters_own_scale() -> None:
    values = [1e-4, 1.2e-4, 2e-4, 3e-4, 4e-4]  # all within 5 % of a linear range, two of the log one

    assert of_top(Range(1e-4, 0.1, log=True, whole=False), values) == ""
    assert "5 of the top 5 within 5% of the lower bound 0.0001" in of_top(
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


def test_few_whole_numbers_lie_at_an_end_by_chance() -> None:
    domain = Range(1, 3, log=False, whole=True, step=1)

    assert of_top(domain, [3, 3, 3, 3, 2], "model.depth") == ""
    assert "5 of the top 5 within 5% of the upper bound 3" in of_top(domain, [3] * 5, "model.depth")
    assert of_top(Range(0, 1, log=False, whole=True, step=1), [1] * 5, "model.depth") == ""


STEPPED = {
    "thirds": optuna.distributions.FloatDistribution(0, 0.5, step=0.25),
    "sixths": optuna.distributions.FloatDistribution(0, 0.5, step=0.1),
    "units": optuna.distributions.IntDistribution(32, 128, step=32),
    "log": optuna.distributions.IntDistribution(1, 64, log=True),
    "fine": optuna.distributions.FloatDistribution(0, 1),
}


@pytest.mark.parametrize("name", STEPPED)
def test_chance_alone_presses_against_a_bound_in_one_study_of_a_hundred_at_most(name: str) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [study.ask({name: STEPPED[name]}).params[name] for _ in range(4000)]
    domain = domains(study.trials)[name]
    pressed = 0
    for first in range(0, 4000, 10):
        chosen = [record(i, float(i), **{name: value}) for i, value in enumerate(drawn[first : first + 10])]
        pressed += regions(chosen, {name: domain}, lambda each: each.values[0])[0].pressed is not None

    assert pressed <= 0.02 * 400  # CHANCE at each end, and what 400 studies leave to luck


def test_a_parameter_of_a_branch_is_looked_at_among_the_trials_of_that_branch() -> None:
    study = branched(200)

    found = {each.name: each for each in regions(sound(study.records()), study.domains(), losses(study, 0))}

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
