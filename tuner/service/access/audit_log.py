"""The audit log: who changed what, from where, and with which result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy

from tuner.service.database import Database
from tuner.service.service_tables import audit

NOBODY = ""
"""The actor of a failed login."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A request or a command that changed something, or a request that tried to.

    `at` is in seconds since 1970; `status` is that of HTTP.
    """

    id: int
    at: float
    actor: str
    action: str
    status: int
    address: str


class AuditLog:
    """The audit log in a database. Any thread may call it.

    Args:
        database: of the service.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def note(self, actor: str, action: str, status: int, address: str) -> None:
        """Store an entry.

        Raises:
            StorageError: the database cannot be written.
        """
        values = {"actor": actor[:80], "action": action[:200], "status": status, "address": address[:80]}
        with self._database.begin() as connection:
            connection.execute(audit.insert().values(at=self._clock(), **values))

    def entries(self, limit: int, before: int | None = None, actor: str | None = None) -> Sequence[Entry]:
        """Return entries, the newest first.

        Args:
            limit: how many at most.
            before: only entries with smaller ids than this.
            actor: only entries of this user.
        """
        wanted = sqlalchemy.select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(audit.c.id < before)
        if actor is not None:
            wanted = wanted.where(audit.c.actor == actor)
        with self._database.begin() as connection:
            return [Entry(**row._mapping) for row in connection.execute(wanted)]

    def count(self, actor: str | None = None) -> int:
        """Return the number of entries, or of those of one user."""
        wanted = sqlalchemy.select(sqlalchemy.func.count()).select_from(audit)
        if actor is not None:
            wanted = wanted.where(audit.c.actor == actor)
        with self._database.begin() as connection:
            return int(connection.execute(wanted).scalar_one())
