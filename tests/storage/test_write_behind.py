"""What a driver writes while its database is locked, restarted, or taken from it."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import threading
from pathlib import Path

import optuna
import pytest

from tests.support.asking import epoch, opened
from tests.support.sharing import disconnect, execute, hasten, joined, study_in, turn_lost
from tuner import storage
from tuner.errors import StorageError
from tuner.protocol import Outcome, State
from tuner.storage import Patience, Sole, connect, in_turn, retry
from tuner.storage.coordination import TurnLost
from tuner.storage.leases import Evicted
from tuner.study import AskTell


def states(url: str) -> list[str]:
    """Of every trial, by number, as plain Optuna has them."""
    return [trial.state.name for trial in optuna.load_study(study_name="tiny", storage=url).trials]


@pytest.mark.parametrize("after", [False, True])
def test_a_turn_that_is_lost_anywhere_in_asking_leaves_no_trial_too_many(
    postgres: str, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(retry, "AGAIN_SECONDS", 0.0)
    with joined(postgres) as driver:
        for commit in itertools.count():
            with turn_lost(postgres, driver, commit, after) as seen:
                assert driver.ask().number == commit
            assert states(postgres) == ["RUNNING"] * (commit + 1)
            if seen[0] <= commit:
                break

    assert commit > 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("state", "left_as"), [(State.COMPLETE, "COMPLETE"), (State.FAILED, "FAIL"), (State.SUSPENDED, "WAITING")]
)
def test_a_turn_that_is_lost_anywhere_in_telling_loses_no_outcome(
    postgres: str, monkeypatch: pytest.MonkeyPatch, state: State, left_as: str, after: bool
) -> None:
    monkeypatch.setattr(retry, "AGAIN_SECONDS", 0.0)
    with joined(postgres) as driver:
        for commit in itertools.count():
            number = driver.ask().number
            with turn_lost(postgres, driver, commit, after) as seen:
                assert driver.tell(number, state) is (state is not State.SUSPENDED)
            assert states(postgres)[number] == left_as
            assert driver.trials.running.numbers == ()
            if seen[0] <= commit:
                break

    assert commit > 1


def test_a_worker_that_is_lost_is_counted_once_though_the_answer_is_lost_too(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with joined(postgres) as driver:
        number = driver.ask().number

        with turn_lost(postgres, driver, commit=2, after=True):
            driver.tell(number, State.LOST)

        assert optuna.load_study(study_name="tiny", storage=postgres).trials[number].user_attrs["losses"] == 1


def test_a_driver_that_has_lost_its_turn_makes_no_trial_and_tells_of_none(postgres: str) -> None:
    with joined(postgres) as driver, joined(postgres) as other:
        number = driver.ask().number
        outcome = Outcome(number, 1, State.COMPLETE, (0.5,), 1)
        for work in (driver.trials.ask, lambda: driver.trials.tell(outcome)):
            with contextlib.ExitStack() as lost_turn:
                lost_turn.enter_context(driver.turns.turn())
                disconnect(postgres, driver.turns)
                with other.turns.turn(), pytest.raises(TurnLost):
                    work()

        assert states(postgres) == ["RUNNING"]


def test_epochs_are_written_through_lost_connections(postgres: str) -> None:
    with joined(postgres) as driver:
        number = driver.ask().number
        for i in (1, 2, 3):
            execute(
                postgres,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()",
            )
            driver.trials.report(epoch(number, i, 0.7))

        assert driver.trials.study.record(number).history["accuracy"] == [0.7, 0.7, 0.7]


def test_a_driver_does_not_write_to_a_trial_that_was_taken_over(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)
    with joined(postgres) as first, joined(postgres) as second:
        number = first.ask().number
        first.trials.report(epoch(number, 1, 0.7))
        execute(postgres, f"DELETE FROM tuner_leases WHERE driver = '{first.turns.driver}'")
        taken = second.ask()

        with pytest.raises(Evicted):
            first.trials.report(epoch(number, 2, 0.1))
        with pytest.raises(Evicted):
            first.tell(number)
        second.trials.report(epoch(number, 2, 0.8, attempt=2))

        assert (taken.number, taken.attempt) == (number, 2)
        assert second.trials.study.record(number).history["accuracy"] == [0.7, 0.8]


def held(file: Path, seconds: float) -> threading.Timer:
    """Lock an SQLite database from now on for so long."""
    holder = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    timer = threading.Timer(seconds, holder.close)
    timer.start()
    return timer


@pytest.fixture
def told() -> list[str]:
    """What the driver of `trials` was told."""
    return []


@pytest.fixture
def trials(url: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> AskTell:
    """A study on SQLite, whose driver waits for it."""
    monkeypatch.setattr(connect, "BUSY_SECONDS", 0.1)
    return AskTell(study_in(storage.open_storage(url, create=True)), Sole(Patience(told.append)))


def test_everything_waits_for_a_locked_database_and_nothing_is_lost(
    url: str, tmp_path: Path, trials: AskTell, told: list[str]
) -> None:
    turns = trials._storage.turns
    file = tmp_path / "studies.db"

    for step in (
        lambda: in_turn(turns, trials.ask),
        lambda: trials.report(epoch(0, 1, 0.7)),
        lambda: in_turn(turns, lambda: trials.tell(Outcome(0, 1, State.COMPLETE, (0.7,), 1))),
    ):
        timer = held(file, 1.0)
        step()
        timer.join()

    assert states(url) == ["COMPLETE"]
    assert [message for message in told if "up to 60 s more" in message] == [
        "the database is locked by another program: waiting for it, up to 60 s more"
    ] * 3


def test_a_database_that_stays_locked_ends_in_a_sentence_and_the_study_is_whole(
    url: str, tmp_path: Path, trials: AskTell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 1.0)
    in_turn(trials._storage.turns, trials.ask)

    timer = held(tmp_path / "studies.db", 4.0)
    with pytest.raises(StorageError, match=r"the database is locked by another program, for . s by now: end that"):
        trials.report(epoch(0, 1, 0.7))
    timer.join()

    again = opened(url)
    assert again.recover() == 1
    assert again.ask().number == 0
    assert states(url) == ["RUNNING"]
