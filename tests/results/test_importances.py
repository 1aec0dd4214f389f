from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pytest

from tests.conftest import TINY
from tests.support.asking import opened
from tests.support.studies import branched, study_of_several
from tuner.protocol import Outcome, State
from tuner.results.association import Column, beyond_chance, spread
from tuner.results.importances import Importances, importances_of
from tuner.results.results import Results
from tuner.study import Study, extract, sound


def test_parameters_of_a_branch_are_ranked_among_the_trials_of_that_branch() -> None:
    study = branched(200)

    found = Results(study).importances[0]

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

    found = Results(trials.study).importances[0]

    where = {each.name: each.where for each in found.found}
    assert where["optimizer"] == ""
    assert where["optimizer.SGD.momentum"] == "where optimizer is SGD"
    assert where["model.hidden.1"] == "where model.hidden.length is 2"


def test_trials_out_of_bounds_decide_nothing() -> None:
    study = branched(60)
    chosen = sound(study.records())

    found = importances_of(study, study.domains(), chosen)

    assert found.trials == len(chosen) < 60
    taken = extract(chosen, [each.values[0] for each in chosen], study.domains(), study.goal.direction)
    assert 9.0 not in {trial.value for trial in taken.trials}


def test_each_objective_is_followed_in_its_own_direction() -> None:
    study = study_of_several(30, 2)

    chosen = sound(study.records())
    values = [[record.values[i] for record in chosen] for i in (0, 1)]
    taken = [extract(chosen, values[i], study.domains(), study.goal.directions[i]) for i in (0, 1)]

    assert [each.direction for each in taken] == study.optuna.directions
    assert taken[1].best_value == min(record.values[1] for record in sound(study.records()))


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5]])
def test_nothing_is_said_before_two_values_differ(values: list[float]) -> None:
    study = optuna.create_study()
    space: dict[str, optuna.distributions.BaseDistribution] = {"x": optuna.distributions.FloatDistribution(0, 1)}
    for i, value in enumerate(values):
        study.add_trial(optuna.trial.create_trial(value=value, params={"x": i / 2}, distributions=space))

    found = Results(Study(study)).importances[0]

    assert found.found == ()


SEARCHED: dict[str, optuna.distributions.BaseDistribution] = {
    "rate": optuna.distributions.FloatDistribution(1e-5, 1, log=True),
    "width": optuna.distributions.IntDistribution(1, 8),
    "kind": optuna.distributions.CategoricalDistribution(["a", "b", "c"]),
    "other": optuna.distributions.FloatDistribution(0, 1),
}
SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, group=True),
}


def importances(
    sampler: str, value: Callable[[Mapping[str, Any], random.Random], float], trials: int, seed: int
) -> Importances:
    """Those of a study of made-up values."""
    chance = random.Random(seed)
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
    for _ in range(trials):
        trial = study.ask(SEARCHED)
        study.tell(trial, value(trial.params, chance))
    return Results(Study(study)).importances[0]


def noise(params: Mapping[str, Any], chance: random.Random) -> float:
    return chance.gauss(0, 1)


@pytest.mark.parametrize(
    ("sampler", "studies", "most"),
    [
        ("random", 5, 2),
        pytest.param("random", 10, 3, marks=pytest.mark.slow),
        pytest.param("tpe", 10, 3, marks=pytest.mark.slow),
    ],
)
def test_noise_is_told_from_chance_in_one_study_of_twenty_at_most(sampler: str, studies: int, most: int) -> None:
    found = [importances(sampler, noise, 30, seed) for seed in range(studies)]

    told = sum(any(each.told for each in one.found) for one in found)
    assert told <= most  # more come with a probability of 1 in 1000
    assert all(one.found for one in found)


DECISIVE: dict[str, Callable[[Mapping[str, Any], random.Random], float]] = {
    "rate": lambda params, chance: abs(math.log10(params["rate"]) + 3) + 0.2 * chance.gauss(0, 1),
    "width": lambda params, chance: params["width"] + chance.gauss(0, 1),
    "kind": lambda params, chance: "abc".index(params["kind"]) + 0.3 * chance.gauss(0, 1),
}


@pytest.mark.parametrize(
    ("sampler", "seeds"),
    [
        ("random", range(1)),
        pytest.param("random", range(1, 3), marks=pytest.mark.slow),
        pytest.param("tpe", range(3), marks=pytest.mark.slow),
    ],
    ids=["random", "random, more seeds", "tpe"],
)
@pytest.mark.parametrize("decisive", DECISIVE)
def test_a_decisive_parameter_is_named_first_and_told_from_chance(sampler: str, seeds: range, decisive: str) -> None:
    found = [importances(sampler, DECISIVE[decisive], 40, seed).ranked[0] for seed in seeds]

    assert {(first.name, first.told) for first in found} == {(decisive, True)}


@pytest.mark.slow
def test_the_crowding_of_tpe_names_no_other_parameter() -> None:
    """An optimum inside a range, where most trials of TPE lie and its parameter hardly varies."""

    def inside(params: Mapping[str, Any], chance: random.Random) -> float:
        return float((params["other"] - 0.7) ** 2 / 0.127) + 0.5 * chance.gauss(0, 1)

    found = [importances("tpe", inside, 150, seed) for seed in range(4)]

    assert [one.ranked[0].name for one in found] == ["other"] * 4
    assert sum(each.told for one in found for each in one.found) <= 4 + 1  # of 12 that decide nothing


def test_what_another_parameter_explains_is_no_evidence() -> None:
    """A copy of the decisive parameter, but for a little: only one of the two is evident beside the other."""
    chance = np.random.default_rng(0)
    first = chance.random(80)
    copied = np.clip(first + chance.normal(0, 0.05, 80), 0, 1)
    columns = {"copied": Column(copied), "first": Column(first), "idle": Column(chance.random(80))}

    assert beyond_chance(columns, np.cos(3 * first) + chance.normal(0, 0.05, 80)) == ["first"]


def test_of_crowded_parameters_the_one_that_foretells_the_values_is_named() -> None:
    """A sampler crowds both where the decisive one is good, so that both go with the values. By the largest contrast
    the other one was named in 7 of 40."""
    found = [beyond_chance(*crowded(seed)) for seed in range(40)]

    assert sum("crowded" in names for names in found) <= 3
    assert sum(names == ["decisive"] for names in found) >= 34


def crowded(seed: int) -> tuple[dict[str, Column], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """16 trials at random, then 104 near an optimum in both parameters, of which one decides."""
    chance = np.random.default_rng(seed)
    early = np.arange(120) < 16
    decisive = np.clip(np.where(early, chance.random(120), chance.normal(0.75, 0.08, 120)), 0, 1)
    other = np.clip(np.where(early, 0.8 * chance.random(120), chance.normal(0.8, 0.05, 120)), 0, 1)
    values = (decisive - 0.7) ** 2 / 0.127 + 0.9 * chance.normal(size=120)
    return {"crowded": Column(other), "decisive": Column(decisive)}, values


def test_an_optimum_inside_a_range_is_told_from_chance_in_20_trials() -> None:
    """Neither a slope nor a hump alone shows it: by them it was told in 42 of 60 studies."""
    told = 0
    for seed in range(30):
        chance = np.random.default_rng(seed)
        columns = {str(i): Column(chance.random(20)) for i in range(8)}
        values = (columns["0"].codes - 0.7) ** 2 / 0.127 + 0.5 * chance.normal(size=20)
        told += "0" in beyond_chance(columns, values)

    assert told >= 26


def test_trials_are_taken_evenly_over_their_values() -> None:
    crowded = np.concatenate([np.linspace(0, 0.1, 900), np.linspace(0.1, 1, 90)])

    taken = spread(crowded, 100)

    assert len(taken) == len(set(taken)) == 100
    assert (np.diff(taken) > 0).all()
    assert (crowded[taken] > 0.1).sum() > 80
    assert spread(np.zeros(300), 100).size == 100
    assert list(spread(crowded[:50], 100)) == list(range(50))


def test_of_many_trials_a_sample_is_evaluated() -> None:
    found = importances("random", DECISIVE["rate"], 230, 0)

    assert (found.evaluated, found.trials) == (100, 230)
    assert found.ranked[0].name == "rate"
    assert found.doubt.startswith("cannot be told from chance in 230 trials: ")


def test_values_that_are_far_off_hide_no_parameter() -> None:
    def value(params: Mapping[str, Any], chance: random.Random) -> float:
        return chance.choice([1e308, -1e308]) if chance.random() < 0.1 else DECISIVE["width"](params, chance)

    found = importances("random", value, 60, 0)

    assert found.ranked[0].name == "width"
    assert found.ranked[0].told


def test_what_chance_would_do_as_well_is_said() -> None:
    found = importances("random", noise, 12, 1)

    assert found.doubt == "no parameter can be told from chance in 12 trials"
