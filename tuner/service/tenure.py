"""The tenure of a server: the lock by which one server at a time serves a PostgreSQL database.

The lock belongs to a connection. A failover, or a server of PostgreSQL that starts again, frees it unasked.
"""

from __future__ import annotations

import contextlib

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError
from tuner.runtime.seeds import derive
from tuner.storage import postgres
from tuner.storage.transient_errors import readable_errors
from tuner.storage.urls import parse, shown

SERVED_KEY = derive(0, "tuner", "serve")
"""The number of the lock."""


class ServedByAnother(StorageError):
    """Another server serves the database."""


class Tenure:
    """A server's hold on a database. One thread at a time may use it.

    Args:
        url: of the database.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = postgres.unpooled(parse(url))
        self._connection: Connection | None = None

    @property
    def is_held(self) -> bool:
        """Whether the lock was this server's at the last look."""
        return self._connection is not None

    def keep(self) -> bool:
        """Take the lock unless this server still has it; return whether it was taken.

        Raises:
            ServedByAnother: another server has it.
            StorageError: the database cannot be reached.
        """
        if self._is_kept():
            return False
        with readable_errors(), contextlib.ExitStack() as undone:
            connection = undone.enter_context(self._engine.connect())
            taken = connection.execute(sqlalchemy.select(sqlalchemy.func.pg_try_advisory_lock(SERVED_KEY))).scalar()
            connection.commit()  # the lock belongs to the session, not to the transaction
            if not taken:
                raise ServedByAnother(f"{shown(self._url)}: another process serves it; stop that one first")
            undone.pop_all()
        self._connection = connection
        return True

    def end(self) -> None:
        """Free the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):  # it was lost, and the lock with it
                connection.close()

    def _is_kept(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(sqlalchemy.text("SELECT 1"))
            self._connection.commit()
        except SQLAlchemyError:
            self.end()
            return False
        return True
