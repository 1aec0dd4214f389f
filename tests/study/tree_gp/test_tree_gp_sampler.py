from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState

from tests.support.asking import opened
from tuner.config import Component
from tuner.protocol import Outcome, State
from tuner.runtime.seeds import derive
from tuner.space import Space
from tuner.study import samplers
from tuner.study.tree_gp import TreeGPSampler
from tuner.study.tree_gp.dimensions import Dimension
from tuner.study.tree_gp.tree_gp_sampler import _drawn_in, _known

TREE = """\
objective: {function: "f.py:f", metric: loss, direction: minimize}
shared: {float: [0, 1]}
part:
  choice:
    - {name: a, rate: {float: [1e-4, 1], log: true}}
    - {name: b, size: {int: [1, 8]}, rate: {float: [1e-4, 1], log: true}}
"""
SEARCH = "search: {trials: 99, pruner: null, sampler: {type: TreeGPSampler}}\n"


def loss_of(values: dict[str, Any]) -> float:
    part = values["part"]
    off = 0.05 * abs(part["size"] - 5) if "size" in part else 0.2
    return float(off + (values["shared"] - 0.7) ** 2 + 0.1 * (math.log10(part["rate"]) + 2) ** 2)


def searched(trials: int, seed: int, **arguments: Any) -> optuna.Study:
    space = Space.parse(TREE)
    study = optuna.create_study()
    for number in range(trials):
        component = Component("TreeGPSampler", arguments)
        study.sampler = samplers.sampler(component, 1000 * seed + number, True, ".", space.parameters())
        trial = study.ask()
        study.tell(trial, loss_of(space.fill(trial)))
    return study


def test_it_finds_a_branch_and_its_best_values() -> None:
    found = [searched(40, seed).best_trial for seed in range(3)]

    assert [trial.params["part"] for trial in found] == ["b"] * 3
    assert np.mean([trial.value for trial in found if trial.value is not None]) < 0.02


def test_seeds_decide_everything() -> None:
    first, second, other = ([t.params for t in searched(14, seed).trials] for seed in (1, 1, 2))

    assert first == second != other


def test_no_config_of_a_grid_is_chosen_twice() -> None:
    study = optuna.create_study(sampler=TreeGPSampler(seed=0))

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_int("x", 0, 5) + trial.suggest_categorical("y", [0.5, 1.5, 2.5])

    study.optimize(objective, n_trials=18)

    assert len({tuple(trial.params.items()) for trial in study.trials}) == 18


def test_it_works_in_a_script_of_optuna_with_conditions() -> None:
    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        return (x - 0.3) ** 2 + (
            trial.suggest_float("z", 0, 1) if trial.suggest_categorical("y", [True, False]) else 0.5
        )

    study = optuna.create_study(sampler=TreeGPSampler(seed=3))
    study.optimize(objective, n_trials=40)

    assert study.best_value < 0.2


def test_several_objectives_are_blended() -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x**2 + (y - 0.5) ** 2, (x - 1) ** 2 + (y - 0.5) ** 2

    def volume(sampler: optuna.samplers.BaseSampler) -> float:
        study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
        study.optimize(objective, n_trials=40)
        front = sorted(trial.values for trial in study.best_trials)
        edges = [1.2, *(values[1] for values in front)]
        return float(sum((1.2 - values[0]) * max(edges[i] - values[1], 0) for i, values in enumerate(front)))

    ours = np.mean([volume(TreeGPSampler(seed=seed)) for seed in range(3)])
    random = np.mean([volume(optuna.samplers.RandomSampler(seed=seed)) for seed in range(3)])
    assert ours > random


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_pruned_failed_and_broken_trials_are_no_leaders(direction: Literal["minimize", "maximize"]) -> None:
    sign = 1 if direction == "minimize" else -1
    study = optuna.create_study(direction=direction, sampler=TreeGPSampler(seed=0, n_startup_trials=1))
    space: dict[str, BaseDistribution] = {"x": optuna.distributions.FloatDistribution(0, 1)}

    def add(x: float, value: float | None, state: TrialState = TrialState.COMPLETE, **attributes: Any) -> None:
        values = {1: sign * value} if state is TrialState.PRUNED and value is not None else {}
        complete = sign * value if state is TrialState.COMPLETE and value is not None else None
        study.add_trial(
            optuna.trial.create_trial(
                params={"x": x},
                distributions=space,
                value=complete,
                state=state,
                intermediate_values=values,
                system_attrs=attributes,
            )
        )

    for i in range(12):
        add(i / 24, 1 + (i / 24 - 0.2) ** 2)
    for i in range(12):
        x = 0.5 + i / 24
        if i % 3 == 0:
            add(x, -5.0, TrialState.PRUNED)  # it promised more than it may count for
        elif i % 3 == 1:
            add(x, None, TrialState.FAIL)
        else:
            add(x, -5.0, constraints=[1.0])

    asked = [study.ask(space).params["x"] for _ in range(5)]
    assert asked[0] < 0.5


def test_values_that_are_not_finite_count_as_the_worst() -> None:
    values = _drawn_in(np.array([1.0, 2.0, np.inf, 3.0, 1e9]))

    assert np.isfinite(values).all()
    assert values.argmin() == 0
    assert values[2] == values.max()
    assert (_drawn_in(np.full(4, np.inf)) == 0).all()
    assert (_drawn_in(np.full(4, 2.0)) == 0).all()


def test_a_study_in_a_database_goes_on_with_the_same_trials(url: str) -> None:
    def asked(trials: Any, count: int) -> list[dict[str, Any]]:
        found = []
        for _ in range(count):
            trial = trials.ask()
            found.append(dict(trial.values))
            trials.tell(Outcome(trial.number, 1, State.COMPLETE, (0.5,), 1))
        return found

    text = f"{TREE}search: {{sampler: {{type: TreeGPSampler, n_startup_trials: 3}}}}\n"
    whole = asked(opened("sqlite://", text), 8)
    parts = asked(opened(url, text), 5) + asked(opened(url, text), 3)

    assert parts == whole


def test_fewer_than_one_first_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="n_startup_trials is 0: it must be at least 1"):
        TreeGPSampler(n_startup_trials=0)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e-20, 12345.678])
def test_equal_values_teach_nothing_whatever_their_rounding(value: float) -> None:
    assert all((_drawn_in(np.full(count, value)) == 0).all() for count in range(3, 40))


def test_huge_values_keep_their_order() -> None:
    values = _drawn_in(np.array([1e300, -1e300, 2.0, 1e200]))

    assert np.isfinite(values).all()
    assert values.argmin() == 1
    assert values.argmax() == 0


def test_trials_whose_values_are_of_another_kind_are_left_out() -> None:
    study = optuna.create_study()
    space = optuna.distributions.FloatDistribution(0, 1)
    study.add_trial(
        optuna.trial.create_trial(
            params={"x": None}, distributions={"x": optuna.distributions.CategoricalDistribution([None, 1])}, value=1.0
        )
    )
    study.sampler = TreeGPSampler(seed=0, n_startup_trials=1, dimensions=[Dimension("x", space)])

    assert 0 <= study.ask().suggest_float("x", 0, 1) <= 1


def test_250_of_thousands_of_trials_are_learned_from_and_few_more_are_looked_at() -> None:
    asked: list[int] = []

    def is_even(number: int) -> bool:
        asked.append(number)
        return number % 2 == 0

    known = _known(np.arange(9000.0)[::-1], is_even)

    assert known == [*range(8500, 9000, 2)]
    assert len(asked) < 1000


def test_a_study_of_tuner_tries_what_a_script_with_the_same_seeds_tries(url: str) -> None:
    trials = opened(url, SEARCH + TREE)
    space = Space.parse(SEARCH + TREE)
    script = optuna.create_study()

    for number in range(16):
        told = trials.ask()
        trials.tell(Outcome(told.number, 1, State.COMPLETE, (loss_of(dict(told.values)),), 1))
        seed = derive(space.study.seed, "sampler", number)
        script.sampler = samplers.sampler(Component("TreeGPSampler", {}), seed, True, ".", space.parameters())
        asked = script.ask()
        script.tell(asked, loss_of(space.fill(asked)))

    assert [trial.params for trial in script.trials] == [dict(record.params) for record in trials.study.records()]
