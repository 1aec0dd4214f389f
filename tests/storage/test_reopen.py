"""Trials that are reopened on PostgreSQL, where several drivers share a study."""

from __future__ import annotations

import pytest

from tests.conftest import until
from tests.support.sharing import Driver, joined, turn_lost
from tuner.protocol import State
from tuner.storage import in_turn, open_storage
from tuner.study import Unfinished, load_study, marks
from tuner.study.reopening import Wish


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "LOOK_SECONDS", 0.0)


def reopen(driver: Driver, number: int, request: int = 0) -> bool:
    wish = Wish(number, "ann@lab", 1.0, request)
    return in_turn(driver.turns, lambda: driver.trials.reopening.reopen(wish, lambda number: None))


def failed(driver: Driver) -> int:
    number = driver.ask().number
    driver.tell(number, State.FAILED)
    return number


def test_a_trial_is_reopened_once_by_the_first_driver_that_sees_the_request(postgres: str) -> None:
    with joined(postgres) as first, joined(postgres) as second:
        number = failed(first)
        assert second.trials.study.records()[number].state is State.FAILED

        met = reopen(first, number, request=1), reopen(second, number, request=1)
        again = second.ask()
        second.tell(number, State.FAILED)

        assert met == (True, True), "it waits for both"
        assert (again.number, again.attempt) == (number, 2)
        assert not reopen(first, number, request=1)
        assert first.trials.study.records()[number].state is State.FAILED


def test_another_driver_sees_what_became_of_a_reopened_trial(postgres: str) -> None:
    with joined(postgres) as first, joined(postgres) as second:
        number = failed(first)
        assert second.trials.study.records()[number].state is State.FAILED

        reopen(first, number)
        waiting = second.trials.study.records()[number].state
        assert first.ask().number == number
        first.tell(number)

        assert waiting is Unfinished.WAITING
        until(lambda: second.trials.study.records()[number].state is State.COMPLETE, 60)
        assert second.trials.study.finished() == 1
        assert second.ask().number == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_turn_that_is_lost_at_the_commit_reopens_it_once(postgres: str, after: bool) -> None:
    with joined(postgres) as driver:
        number = failed(driver)
        with turn_lost(postgres, driver, 0, after) as seen:
            assert reopen(driver, number)

        assert seen[0] > 1
        assert driver.ask().number == number
        assert load_study(open_storage(postgres), "tiny").records()[number].attributes.attempt == 2
