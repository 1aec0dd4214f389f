"""Drivers of one study on PostgreSQL, in one process, whose leases are short."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest
import sqlalchemy
from optuna.storages import BaseStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from tests.conftest import TINY
from tuner.goal import Task, goal_of
from tuner.protocol import Outcome, State, Trial
from tuner.space import Space
from tuner.storage import in_turn, leases, open_storage, postgres
from tuner.storage.postgres_coordination import Shared, sharing
from tuner.storage.tables import Tables
from tuner.study import AskTell, Study, open_study

LEASE_SECONDS = 2.0
NAMES_OF_LEASES = "SELECT driver FROM tuner_leases"


@dataclass(slots=True)
class Driver:
    """One that asks and tells as `tuner.search.driver.Driver` does; `told` is what it was told of outages."""

    turns: Shared
    trials: AskTell
    told: list[str] = field(default_factory=list)

    def ask(self) -> Trial:
        return in_turn(self.turns, self._ask)

    def _ask(self) -> Trial:
        self.trials.recover(self.turns.alive())
        return self.trials.ask()

    def tell(self, number: int, state: State = State.COMPLETE) -> bool:
        values = (0.5,) if state is State.COMPLETE else ()
        return in_turn(self.turns, lambda: self.trials.tell(Outcome(number, 1, state, values)))


def study_in(storage: BaseStorage) -> Study:
    space = Space.parse(TINY)
    return open_study(storage, space, goal_of(space.objective, Task.CLASSIFICATION))


@contextlib.contextmanager
def joined(url: str, delay: float = 0.0) -> Iterator[Driver]:
    told: list[str] = []
    with sharing(make_url(url), "tiny", told.append) as turns:
        opened = open_storage(url, create=True)
        with turns.turn():
            study = study_in(opened)
        yield Driver(turns, AskTell(study, turns, delay), told)


def hasten(monkeypatch: pytest.MonkeyPatch, renew: float = 0.5) -> None:
    """Make leases short; a `renew` that is long leaves a driver without a renewal, as if it were frozen."""
    monkeypatch.setattr(leases, "LEASE_SECONDS", LEASE_SECONDS)
    monkeypatch.setattr(leases, "RENEW_SECONDS", renew)
    monkeypatch.setattr(postgres, "LOCK_SECONDS", 1)


def execute(url: str, statement: str) -> list[object]:
    """The first column of what an administrator reads or does beside the drivers."""
    with sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        result = connection.exec_driver_sql(statement)
        return list(result.scalars()) if result.returns_rows else []


def leave_behind(url: str, name: str, seconds_ago: float) -> None:
    """The lease of a driver that cannot be reached, which has run out so long ago, or will if that is below 0."""
    facts = f"'{name}', 'tiny', 'afar', 1, now() - interval '1 hour', now() - make_interval(secs => {seconds_ago})"
    with sqlalchemy.create_engine(url).begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO tuner_leases (driver, study, host, pid, since, expires) SELECT {facts}"
        )


def disconnect(url: str, driver: Shared) -> None:
    """End all connections that are a driver's alone, the one that holds its turn among them."""
    execute(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{driver.driver}'")


@contextlib.contextmanager
def turn_lost(url: str, driver: Driver, commit: int, after: bool) -> Iterator[list[int]]:
    """Break the connection of a driver's turn at one of its commits, counted from 0: before it, or before its answer.

    What is given counts the commits.
    """
    seen = [0]
    tables = driver.trials._storage.tables
    assert isinstance(tables, Tables)
    sessions = tables.sessions

    def at_commit(session: object) -> None:
        seen[0] += 1
        if seen[0] - 1 == commit:
            disconnect(url, driver.turns)
            if after:
                raise _error_of(driver.turns)

    event = "after_commit" if after else "before_commit"
    sqlalchemy.event.listen(sessions, event, at_commit)
    try:
        yield seen
    finally:
        sqlalchemy.event.remove(sessions, event, at_commit)


def _error_of(turns: Shared) -> OperationalError:
    """What a driver whose connection was ended hears next."""
    connection = turns.connection
    assert connection is not None, "not in a turn"
    try:
        connection.connection.cursor().execute("SELECT 1")
    except psycopg.OperationalError as error:
        return OperationalError("SELECT 1", {}, error)
    raise AssertionError("it works still")
