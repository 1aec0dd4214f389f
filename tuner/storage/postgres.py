"""PostgreSQL as this project connects to it: no vanished peer keeps a lock, and no wait is without end."""

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
"""How long the server lets a statement wait for a lock before it says so."""

_CREATION_KEY = derive(0, "tuner", "tables")
_CREATION_SECONDS = 60
"""Many drivers may start at once, and each of them looks at the tables."""

_KEEPALIVES = {"idle": 5, "interval": 5, "count": 3}
"""Of TCP: who is not heard of for 20 s is gone."""

logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())  # or it prints how each lost connection ended


def engine_options(url: URL, name: str = "tuner") -> dict[str, Any]:
    """What SQLAlchemy's `create_engine` is given besides the URL, which may have said otherwise.

    Args:
        url: of the database.
        name: what the server's own lists call the connections; at most 63 characters.

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
    """Be the only one who looks at the tables of a database and makes those that are missing."""
    with unpooled(url).connect() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{_CREATION_SECONDS}s'")
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": _CREATION_KEY})
        yield connection


def unpooled(url: URL) -> sqlalchemy.Engine:
    """An engine whose connections end when they are closed."""
    options = {key: value for key, value in engine_options(url).items() if key != "pool_pre_ping"}
    return sqlalchemy.create_engine(url, poolclass=NullPool, **options)


def _need_psycopg(url: URL) -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        place = shown(url.render_as_string(hide_password=False))
        raise UsageError(f"{place}: needs psycopg ({error}): pip install 'tuner[postgres]'") from None


def _set_up(connection: Any, record: object) -> None:
    """The server's side of it; a connection of the database's own driver."""
    settings = {f"tcp_keepalives_{key}": value for key, value in _KEEPALIVES.items()}
    settings["lock_timeout"] = LOCK_SECONDS * 1000
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("; ".join(f"SET {key} = {value}" for key, value in settings.items()))
    connection.commit()
