"""The tables of the service, and the lock of its server."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tuner.errors import StorageError, UsageError
from tuner.service.database import Database
from tuner.service.service_tables import VERSION_TABLE, metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    def of_service(name: str | None, kind: str, parents: object) -> bool:
        return kind != "table" or (str(name).startswith("service_") and name != VERSION_TABLE)

    options = {"version_table": VERSION_TABLE, "include_name": of_service, "compare_server_default": True}
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_of_current_tables_changes_nothing(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("INSERT INTO service_users VALUES (1, 'ann', 'admin', 0, NULL)"))

    database.upgrade()

    assert database.is_current
    with database.begin() as connection:
        assert connection.execute(sqlalchemy.text("SELECT name FROM service_users")).scalars().all() == ["ann"]


def test_tables_of_a_newer_version_are_refused(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    assert not database.is_current
    with pytest.raises(StorageError, match="newer tuner serve: upgrade tuner"):
        database.upgrade()


def test_a_second_server_of_a_database_is_refused(database: Database) -> None:
    with (
        database.served(),
        pytest.raises(StorageError, match=r"process \d+ on .* serves it; stop that one first"),
        Database(database.url).served(),
    ):
        pass


def test_a_database_that_only_one_process_can_use_is_refused() -> None:
    with pytest.raises(UsageError, match="needs an SQLite file or PostgreSQL"):
        Database("sqlite://")
