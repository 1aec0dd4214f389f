from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Set

import pytest

from tests.conftest import until
from tests.support.postgres import Server
from tests.support.sharing import (
    LEASE_SECONDS,
    NAMES_OF_LEASES,
    Driver,
    disconnect,
    execute,
    hasten,
    joined,
    leave_behind,
)
from tuner import storage
from tuner.errors import StorageError
from tuner.storage import retry
from tuner.storage.coordination import TurnLost
from tuner.storage.leases import Evicted


def alive(driver: Driver) -> Set[str]:
    """Whom a driver finds alive in a turn: for a moment the dead too, if the server or the driver itself was away."""
    with driver.turns.turn():
        return driver.turns.alive()


def test_drivers_take_turns(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)
    order: list[str] = []

    def wait_for_a_turn() -> None:
        with second.turns.turn():
            order.append("second")

    with joined(postgres) as first, joined(postgres) as second:
        waiting = threading.Thread(target=wait_for_a_turn)
        with first.turns.turn():
            waiting.start()
            time.sleep(1.5)
            order.append("first")
        waiting.join()

        assert order == ["first", "second"]
        assert second.told[0].startswith("another run is counting the trials of the study: waiting for it")


def test_a_driver_that_waits_too_long_for_its_turn_gives_up(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hasten(monkeypatch)
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)

    with (
        joined(postgres) as first,
        joined(postgres) as second,
        first.turns.turn(),
        pytest.raises(StorageError, match="see whether that run hangs"),
    ):
        second.ask()


def test_a_driver_is_alive_until_it_leaves_or_its_lease_runs_out(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    with joined(postgres) as first:
        with joined(postgres) as second:
            leave_behind(postgres, "died", seconds_ago=0.1)
            leave_behind(postgres, "fell silent", seconds_ago=-60)
            until(lambda: alive(first) == {second.turns.driver, "fell silent"})
        until(lambda: alive(first) == {"fell silent"})
        rows = execute(postgres, NAMES_OF_LEASES)

    assert set(rows) == {first.turns.driver, "fell silent"}


def test_a_driver_that_froze_in_its_turn_loses_it_and_its_trials(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, renew=60)
    with joined(postgres) as frozen, contextlib.ExitStack() as frozen_turn:
        hasten(monkeypatch)
        number = frozen.ask().number
        frozen_turn.enter_context(frozen.turns.turn())
        with joined(postgres) as other:
            taken = other.ask()

            with pytest.raises(TurnLost):
                frozen.turns.alive()
            frozen_turn.close()
            with pytest.raises(Evicted, match="the same command joins them again"):
                frozen.tell(number)
            other.tell(number)
            assert (taken.number, taken.attempt) == (number, 2)
            assert [record.state for record in other.trials.study.records()] == ["complete"]


def test_a_restarted_server_gives_drivers_time_to_come_back(
    server: Server, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    with joined(postgres):
        leave_behind(postgres, "away", seconds_ago=3600)
    server.stop()
    server.start()
    with joined(postgres) as new:
        assert alive(new) == {"away"}
        until(lambda: alive(new) == set())


def test_a_driver_that_was_out_of_touch_itself_gives_others_time_too(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, renew=60)
    with joined(postgres) as back:
        leave_behind(postgres, "away", seconds_ago=0)
        hasten(monkeypatch)
        time.sleep(LEASE_SECONDS)
        assert alive(back) == {"away"}


def test_a_study_is_deleted_only_when_nobody_runs_it(postgres: str) -> None:
    with joined(postgres) as driver:
        with pytest.raises(StorageError, match=f"{driver.turns.driver} is running it"), storage.alone(postgres, "tiny"):
            pass
        with storage.alone(postgres, "another"):
            pass

    with storage.alone(postgres, "tiny"):
        pass


def test_connections_that_were_ended_between_turns_are_made_anew(postgres: str) -> None:
    with joined(postgres) as driver:
        disconnect(postgres, driver.turns)

        assert alive(driver) == set()
