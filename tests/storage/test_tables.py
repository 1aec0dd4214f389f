from __future__ import annotations

import datetime

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.storage import Sole, Turns, in_turn, join, open_storage, tables
from tuner.storage.tables import found
from tuner.storage.transient_errors import Unavailable

FACTS = {"tuner": {"uid": "a"}, "fork": {"of": "old"}}


def ended(number: int, state: TrialState, values: list[float], **facts: object) -> FrozenTrial:
    begun = datetime.datetime(2026, 1, 2, 3, number)
    return FrozenTrial(
        number=number,
        state=state,
        value=None,
        values=values,
        datetime_start=begun,
        datetime_complete=begun + datetime.timedelta(seconds=9),
        params={"x": 0.25, "kind": None},
        distributions={"x": FloatDistribution(0, 1), "kind": CategoricalDistribution([None, "a"])},
        user_attrs={"seed": number, **facts},
        system_attrs={},
        intermediate_values={1: 0.5, 2: float("nan")},
        trial_id=-1,
    )


TRIALS = [
    ended(0, TrialState.COMPLETE, [1.0, float("inf")]),
    ended(1, TrialState.PRUNED, [], history={"loss": [0.5]}),
    ended(2, TrialState.COMPLETE, [0.5, -2.0]),
]


def made(storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="new", directions=["minimize", "maximize"])


def seen(url: str) -> optuna.Study:
    return optuna.load_study(study_name="new", storage=open_storage(url))


def told(trial: FrozenTrial) -> list[object]:
    facts = [trial.number, trial.state, trial.values or None, trial.params, trial.distributions, trial.user_attrs]
    return [*facts, str(trial.intermediate_values), trial.datetime_start, trial.datetime_complete]


def test_all_that_is_known_of_the_trials_is_there(url: str) -> None:
    storage = open_storage(url, create=True)

    found(storage, Sole(), made(storage)._study_id, FACTS, TRIALS)

    assert list(map(told, seen(url).get_trials())) == list(map(told, TRIALS))
    assert seen(url).user_attrs == FACTS


def test_on_postgresql_it_is_written_in_a_turn(postgres: str) -> None:
    with join(postgres, "new") as turns:
        storage = open_storage(postgres, create=True)
        study = made(storage)

        in_turn(turns, lambda: found(storage, turns, study._study_id, FACTS, TRIALS))

    assert list(map(told, seen(postgres).get_trials())) == list(map(told, TRIALS))


def test_a_study_that_has_a_trial_is_left_as_it_is(url: str) -> None:
    storage = open_storage(url, create=True)
    study = made(storage)
    study.ask()

    with pytest.raises(Unavailable, match="another program works on the trials"):
        found(storage, Sole(), study._study_id, FACTS, TRIALS)

    assert (len(seen(url).get_trials()), seen(url).user_attrs) == (1, {})


@pytest.mark.parametrize(
    "shared", [False, pytest.param(True, marks=pytest.mark.integration)], ids=["sqlite", "postgresql"]
)
def test_what_fails_in_the_middle_leaves_nothing(
    url: str, shared: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = request.getfixturevalue("postgres") if shared else url

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    def founded(turns: Turns) -> None:
        found(storage, turns, study._study_id, FACTS, TRIALS)

    with join(url, "new") as turns:
        storage = open_storage(url, create=True)
        study = made(storage)
        with monkeypatch.context() as patched:
            patched.setattr(tables, "replace_rows", die)
            with pytest.raises(KeyboardInterrupt):
                in_turn(turns, lambda: founded(turns))
        left = len(seen(url).get_trials())
        in_turn(turns, lambda: founded(turns))

    assert (left, len(seen(url).get_trials())) == (0, 3)
