"""Real errors of real databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from tuner.storage.transient_errors import AWAY, BROKEN, FULL, LOCKED, Outage, outage_of

READ = "SELECT * FROM facts"
WRITE = "INSERT INTO facts VALUES (zeroblob(100000))"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An SQLite database with one table."""
    path = tmp_path / "facts.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE facts (fact BLOB)")
    return path


def error_of(url: str, *statements: str) -> SQLAlchemyError:
    with pytest.raises(SQLAlchemyError) as caught:
        execute(url, *statements)
    return caught.value


def execute(url: str, *statements: str) -> None:
    with sqlalchemy.create_engine(url).connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def locked(file: Path) -> SQLAlchemyError:
    with sqlite3.connect(file) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        return error_of(f"sqlite:///{file}?timeout=0", WRITE)


def full(file: Path) -> SQLAlchemyError:
    return error_of(f"sqlite:///{file}", "PRAGMA max_page_count = 3", WRITE)


def without_its_folder(file: Path) -> SQLAlchemyError:
    return error_of(f"sqlite:///{file}/nowhere/facts.db", READ)


def read_only(file: Path) -> SQLAlchemyError:
    return error_of(f"sqlite:///file:{file}?mode=ro&uri=true", WRITE)


def without_the_table(file: Path) -> SQLAlchemyError:
    return error_of(f"sqlite:///{file}", "SELECT * FROM nothing")


def corrupt(file: Path) -> SQLAlchemyError:
    file.write_bytes(file.read_bytes()[:100] + b"no page" * 2000)
    return error_of(f"sqlite:///{file}", READ)


@pytest.mark.parametrize(
    ("make", "outage"),
    [
        (locked, LOCKED),
        (full, FULL),
        (without_its_folder, BROKEN),
        (read_only, None),
        (without_the_table, None),
        (corrupt, None),
    ],
)
def test_sqlite_is_waited_for_where_waiting_helps(
    file: Path, make: Callable[[Path], SQLAlchemyError], outage: Outage | None
) -> None:
    assert outage_of(make(file)) is outage


@pytest.mark.parametrize(
    ("statement", "outage"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", AWAY),
        ("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$", FULL),
        ("DO $$ BEGIN RAISE EXCEPTION 'the database system is starting up' USING ERRCODE = '57P03'; END $$", AWAY),
        ("DO $$ BEGIN RAISE EXCEPTION 'canceled by the user' USING ERRCODE = '57014'; END $$", None),
        ("SELECT * FROM nothing", None),
    ],
)
def test_postgresql_is_waited_for_where_waiting_helps(postgres: str, statement: str, outage: Outage | None) -> None:
    assert outage_of(error_of(postgres, statement)) is outage


def test_a_lock_that_another_holds_on_postgresql_is_waited_for(postgres: str) -> None:
    with sqlalchemy.create_engine(postgres).begin() as holder:
        holder.exec_driver_sql("CREATE TABLE facts ()")
        holder.exec_driver_sql("SELECT pg_advisory_xact_lock(1)")

        error = error_of(postgres, "SET lock_timeout = 100", "SELECT pg_advisory_lock(1)")

    assert outage_of(error) is LOCKED


@pytest.mark.parametrize(
    ("change", "outage"),
    [
        (("/test_", "/nosuch_"), None),
        (("postgres:@", "nobody:@"), None),
        (("host=", "host=/nowhere"), AWAY),
        (("host=", "hostaddr=127.0.0.1&port=1&host="), AWAY),
    ],
)
def test_a_server_that_does_not_answer_is_waited_for_and_one_that_refuses_is_not(
    postgres: str, change: tuple[str, str], outage: Outage | None
) -> None:
    assert outage_of(error_of(postgres.replace(*change), "SELECT 1")) is outage


def test_what_is_no_error_of_a_database_is_not_waited_for() -> None:
    assert outage_of(ValueError("locked")) is None
