"""Connections to PostgreSQL: no vanished client keeps a lock, and every wait has an end."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy import NullPool
from sqlalchemy.engine import URL

from tuner.errors import UsageError
from tuner.runtime.seeds import derive
from tuner.storage.urls import shown

LOCK_SECONDS = 5
"""Seconds for which the server lets a statement wait for a lock."""

_CREATION_KEY = derive(0, "tuner", "tables")
_CREATION_SECONDS = 60
"""Seconds for drivers that start at once, since each of them checks the tables."""

_KEEPALIVES = {"idle": 5, "interval": 5, "count": 3}
"""Keepalives of TCP: a client without a sign for 20 s is gone."""

logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())  # or it prints how each lost connection ended


def engine_options(url: URL, name: str = "tuner") -> dict[str, Any]:
    """Return the arguments of SQLAlchemy's `create_engine`; options in the URL take precedence.

    Args:
        url: the URL of the database.
        name: the name of the connections on the server; at most 63 characters.

    Raises:
        UsageError: psycopg is not installed.
    """
    _need_psycopg(url)
    usual = {"connect_timeout": 10, "keepalives": 1, "tcp_user_timeout": 20_000, "application_name": name}
    usual |= {f"keepalives_{key}": value for key, value in _KEEPALIVES.items()}
    return {
        "pool_pre_ping": True,
        "connect_args": {key: value for key, value in usual.items() if key not in url.query},
        "pool_events": [(_set_up, "connect")],  # before the first connection, which Optuna makes by itself
    }


@contextlib.contextmanager
def setting_up(url: URL) -> Iterator[sqlalchemy.Connection]:
    """Be the only one that checks the tables of a database and makes missing ones."""
    with unpooled(url).connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{_CREATION_SECONDS}s'")
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _CREATION_KEY})
        yield connection


def unpooled(url: URL) -> sqlalchemy.Engine:
    """Return an engine whose connections end when they are closed."""
    options = {key: value for key, value in engine_options(url).items() if key != "pool_pre_ping"}
    return sqlalchemy.create_engine(url, poolclass=NullPool, **options)


def _need_psycopg(url: URL) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        place = shown(url.render_as_string(hide_password=False))
        raise UsageError(f"{place}: needs psycopg ({error}): pip install 'tuner[postgres]'") from None


def _set_up(connection: Any, record: object) -> None:
    """Configure the server's side of a new connection of the database's driver."""
    settings = {f"tcp_keepalives_{key}": value for key, value in _KEEPALIVES.items()}
    settings["lock_timeout"] = LOCK_SECONDS * 1000
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("; ".join(f"SET {key} = {value}" for key, value in settings.items()))
    connection.commit()
