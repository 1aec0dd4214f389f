"""Leases: which drivers of a study are alive, by the server's clock.

A driver owns its trials for as long as its row of `tuner_leases` exists, and renews that row. A driver that finds a row
that was not renewed for too long, in its own turn, deletes it. That ends the other driver's right.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from sqlalchemy import Connection, text

from tuner.errors import StorageError

LEASE_SECONDS = 20.0
"""Seconds after which a driver without contact loses its trials."""

RENEW_SECONDS = 5.0
"""Seconds between two renewals."""

_TABLE = text("""
CREATE TABLE IF NOT EXISTS tuner_leases (
    driver text PRIMARY KEY, study text NOT NULL, host text NOT NULL, pid integer NOT NULL,
    since timestamptz NOT NULL, expires timestamptz NOT NULL
)""")

_TAKE = text("""
INSERT INTO tuner_leases (driver, study, host, pid, since, expires)
VALUES (:driver, :study, :host, :pid, '-infinity', clock_timestamp() + make_interval(secs => :lease))""")

_RENEW = text("""
UPDATE tuner_leases SET
    since = CASE WHEN expires < clock_timestamp() + make_interval(secs => :lease - 2 * :renew)
                 THEN clock_timestamp() ELSE since END,
    expires = clock_timestamp() + make_interval(secs => :lease)
WHERE driver = :driver""")

_ALIVE = """(
    expires > clock_timestamp()
    OR clock_timestamp() - pg_postmaster_start_time() < make_interval(secs => :lease)
    OR clock_timestamp() - (SELECT since FROM tuner_leases WHERE driver = :driver) < make_interval(secs => :lease)
)"""
"""A server that was restarted, or that this driver could not reach, gives the others time to return."""

_OTHERS = text(f"SELECT driver FROM tuner_leases WHERE study = :study AND driver <> :driver AND {_ALIVE}")
_BURY = text(f"DELETE FROM tuner_leases WHERE study = :study AND driver <> :driver AND NOT {_ALIVE}")
_LEAVE = text("DELETE FROM tuner_leases WHERE driver = :driver")

_TABLE_IS_THERE = text("SELECT to_regclass('tuner_leases') IS NOT NULL")
_HELD = text("SELECT driver, study, host, pid FROM tuner_leases WHERE study = :study AND expires > clock_timestamp()")


class Evicted(StorageError):
    """A driver had no contact for so long that others have taken its trials over."""

    def __init__(self) -> None:
        super().__init__(
            f"this run had no connection to the database for more than {LEASE_SECONDS:.0f} s. "
            "Other runs took its trials over; the same command joins them again"
        )


@dataclass(frozen=True, slots=True)
class Lease:
    """A driver's row: its study and its process."""

    driver: str
    study: str
    host: str
    pid: int

    def take(self, connection: Connection) -> None:
        """Write the row, in a table that is created if it is missing."""
        connection.execute(_TABLE)
        connection.execute(_TAKE, {**self._facts, "host": self.host, "pid": self.pid})

    def renew(self, connection: Connection) -> None:
        """Renew the row.

        Raises:
            Evicted: the row was deleted.
        """
        if not connection.execute(_RENEW, self._facts | {"renew": RENEW_SECONDS}).rowcount:
            raise Evicted

    def others(self, connection: Connection) -> Set[str]:
        """Return the other drivers of the study that are alive."""
        return frozenset(connection.execute(_OTHERS, self._facts).scalars())

    def bury(self, connection: Connection) -> None:
        """Delete the rows of dead drivers, in a turn."""
        connection.execute(_BURY, self._facts)

    def leave(self, connection: Connection) -> None:
        """Delete the row."""
        connection.execute(_LEAVE, self._facts)

    @property
    def _facts(self) -> dict[str, str | float]:
        return {"driver": self.driver, "study": self.study, "lease": LEASE_SECONDS}


def held(connection: Connection, study: str) -> list[Lease]:
    """Return the valid leases of a study, for a process without one."""
    if not connection.execute(_TABLE_IS_THERE).scalar():
        return []
    return [Lease(*row) for row in connection.execute(_HELD, {"study": study})]
