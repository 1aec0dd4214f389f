"""What running trials tell, between its being told and its being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from tests.conftest import until
from tests.support.asking import epoch
from tests.support.sharing import execute, hasten, joined, study_in, turn_lost
from tuner.errors import StorageError
from tuner.protocol import Outcome, State
from tuner.storage import open_storage
from tuner.storage.leases import Evicted
from tuner.study import AskTell

LONG = 60.0


def reports(url: str) -> list[dict[int, float]]:
    """Of every trial, by number, as plain Optuna has them."""
    return [trial.intermediate_values for trial in optuna.load_study(study_name="tiny", storage=url).trials]


@pytest.fixture
def behind(url: str) -> Iterator[AskTell]:
    """A study whose driver writes when it must; to drop it is to kill it."""
    trials = AskTell(study_in(open_storage(url, create=True)), delay=LONG)
    yield trials
    trials.close()


def test_what_was_reported_is_written_though_nothing_more_happens(url: str) -> None:
    trials = AskTell(study_in(open_storage(url, create=True)), delay=0.1)
    trials.ask()

    trials.report(epoch(0, 1, 0.7))

    until(lambda: reports(url) == [{1: 0.7}])
    trials.close()


def test_what_a_crash_loses_is_the_end_of_what_was_reported_whichever_trial_it_was_of(
    url: str, behind: AskTell
) -> None:
    for _ in range(3):
        behind.ask()
    for number in (0, 1, 2):
        behind.report(epoch(number, 1, 0.7))
    before = reports(url)
    behind.tell(Outcome(1, 1, State.COMPLETE, (0.7,), 1))
    behind.report(epoch(0, 2, 0.8))

    again = AskTell(study_in(open_storage(url)))
    again.recover()

    assert before == [{}, {}, {}]
    assert reports(url) == [{1: 0.7}, {1: 0.7}, {1: 0.7}]
    assert [record.history["accuracy"] for record in again.study.records()] == [[0.7]] * 3
    assert [record.state for record in again.study.records()] == ["waiting", "complete", "waiting"]


def test_a_trial_is_there_with_all_of_its_parameters_as_soon_as_it_was_asked_for(url: str, behind: AskTell) -> None:
    trial = behind.ask()

    read = optuna.load_study(study_name="tiny", storage=url).trials[0]

    assert set(read.params) >= {"model.hidden.length", "model.hidden.0", "optimizer"}
    assert (read.state.name, read.user_attrs) == ("RUNNING", {"seed": trial.seed, "attempt": 1})


def test_how_a_trial_ended_is_written_with_its_facts_or_not_at_all(url: str, tmp_path: Path, behind: AskTell) -> None:
    behind.ask()
    with sqlite3.connect(tmp_path / "studies.db") as connection:
        connection.execute(
            "CREATE TRIGGER crash BEFORE UPDATE OF state ON trials BEGIN SELECT RAISE(ABORT, 'crash'); END"
        )

    with pytest.raises(StorageError):
        behind.tell(Outcome(0, 1, State.COMPLETE, (0.7,), 1))

    left = optuna.load_study(study_name="tiny", storage=url).trials[0]
    assert left.state.name == "RUNNING"
    assert "state" not in left.user_attrs


def test_what_waits_to_be_written_is_not_written_to_a_trial_that_was_taken_over(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    with joined(postgres, delay=LONG) as first, joined(postgres) as second:
        number = first.ask().number
        first.trials.report(epoch(number, 1, 0.1))
        execute(postgres, f"DELETE FROM tuner_leases WHERE driver = '{first.turns.driver}'")
        second.ask()

        with pytest.raises(Evicted):
            first.trials.flush()

        assert reports(postgres) == [{}]


def test_no_epoch_is_lost_when_the_turn_is_in_which_another_trial_ends(postgres: str) -> None:
    with joined(postgres, delay=LONG) as driver:
        first, second = driver.ask().number, driver.ask().number
        driver.trials.report(epoch(first, 1, 0.6))
        driver.trials.report(epoch(second, 1, 0.7))
        with turn_lost(postgres, driver, commit=0, after=False):
            driver.tell(first)

        assert reports(postgres) == [{1: 0.6}, {1: 0.7}]


def test_a_trial_that_another_program_adds_meanwhile_has_its_own_number(url: str, behind: AskTell) -> None:
    behind.ask()
    optuna.load_study(study_name="tiny", storage=url).enqueue_trial({"optimizer": "SGD"})

    with pytest.raises(StorageError, match="another program works on the trials of the study"):
        behind.ask()
    enqueued = behind.ask()

    assert enqueued.number == 1
    assert enqueued.values["optimizer"]["type"] == "SGD"
    assert behind.ask().number == 2
