"""Upkeep: at the start and then daily, what is too old or belongs to deleted studies is removed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy
from sqlalchemy import Column, ColumnElement

from tuner.errors import StorageError
from tuner.service.database import Database
from tuner.service.deleted_files import SPARED_SECONDS, DeletedFiles
from tuner.service.log_lines import apart
from tuner.service.notifications import EVENTS
from tuner.service.queue.jobs import REMEMBERED_SECONDS
from tuner.service.service_tables import audit, cursors, deliveries, job_changes, jobs, uses

DAY = 86_400.0

DELIVERIES_KEPT_SECONDS = 7 * DAY
"""Age in seconds at which a delivery that is over is removed."""

RETRY_SECONDS = 300.0
"""Seconds until the next look when the database is away."""

AT_ONCE = 500
"""Rows that one transaction removes. Other writers come between two."""

PAUSE_SECONDS = 0.05
"""Pause between two transactions."""

_log = logging.getLogger(__name__)


class Upkeep:
    """The upkeep of a server, from a thread of its own.

    Args:
        database: of the service.
        deleted_files: removes files.
        audit_days: age in days at which an entry of the audit log is removed; 0 keeps all.
    """

    def __init__(self, database: Database, deleted_files: DeletedFiles, audit_days: int) -> None:
        self._database = database
        self._files = deleted_files
        self._audit_days = audit_days
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin to remove what is old."""
        self._thread.start()

    def stop(self) -> None:
        """Remove no more. The next server goes on."""
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Remove what is old now.

        Raises:
            StorageError: the database cannot be used.
        """
        for column, is_old in self._old(time.time()):
            with apart(_log, f"old rows of {column.table} cannot be removed"):
                self._remove(column, is_old)
        with apart(_log, "the files of deleted studies cannot be removed"):
            self._files.sweep()

    def _run(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            pause = DAY
            try:
                self.look()
            except StorageError as error:
                _log.warning("old rows stay for now: %s", error)
                pause = RETRY_SECONDS

    def _old(self, now: float) -> Iterator[tuple[Column[Any], ColumnElement[bool]]]:
        """Yield a column that names rows of a table, and which of them are old."""
        yield uses.c.id, uses.c.end <= now - REMEMBERED_SECONDS
        over = sqlalchemy.func.coalesce(deliveries.c.sent_at, deliveries.c.given_up_at)
        yield deliveries.c.id, over <= now - DELIVERIES_KEPT_SECONDS
        if self._audit_days:
            yield audit.c.id, audit.c.at <= now - self._audit_days * DAY
        deleted = sqlalchemy.select(jobs.c.id).where(jobs.c.deleted_at <= now - SPARED_SECONDS)
        yield job_changes.c.id, job_changes.c.job_id.in_(deleted)
        name = sqlalchemy.literal(EVENTS) + sqlalchemy.cast(jobs.c.id, sqlalchemy.String)
        yield cursors.c.name, cursors.c.name.in_(deleted.with_only_columns(name))

    def _remove(self, column: Column[Any], is_old: ColumnElement[bool]) -> None:
        found = AT_ONCE
        while found == AT_ONCE and not self._over.wait(PAUSE_SECONDS):
            with self._database.begin() as connection:
                rows = connection.execute(sqlalchemy.select(column).where(is_old).limit(AT_ONCE)).scalars().all()
                if rows:
                    connection.execute(column.table.delete().where(column.in_(rows)))
            found = len(rows)
