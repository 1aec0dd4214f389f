"""Outages: errors of a database that pass, as opposed to permanent ones.

It knows the errors of SQLite and PostgreSQL by their numbers. It does not wait.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from tuner.errors import StorageError


@dataclass(frozen=True, slots=True)
class Outage:
    """The reason of an outage, and a remedy."""

    what: str
    remedy: str


LOCKED = Outage("the database is locked by another program", "end that program or wait for it")
FULL = Outage("the disk of the database is full", "free some space on it")
BROKEN = Outage("the file of the database cannot be read or written", "see to its disk")
AWAY = Outage("the database cannot be reached", "see that its server runs")
BUSY = Outage("another run works on the study, and --deterministic is for one alone", "end it or wait for it")
TAKEN = Outage("another run is counting the trials of the study", "see whether that run hangs")
CROSSED = Outage("another program works on the trials of the study", "end it or wait for it")

_OF_SQLITE = {5: LOCKED, 6: LOCKED, 10: BROKEN, 13: FULL, 14: BROKEN}
"""Codes of https://sqlite.org/rescode.html: BUSY, LOCKED, IOERR, FULL, CANTOPEN."""

_OF_POSTGRESQL = {
    "53100": FULL,
    "55P03": LOCKED,
    "40001": LOCKED,
    "40P01": LOCKED,
    "58030": BROKEN,
    "57P04": None,  # the database was dropped
    "08": AWAY,
    "53": AWAY,
    "57P": AWAY,
    "25P03": AWAY,
}
"""Codes, or their beginnings, of https://www.postgresql.org/docs/current/errcodes-appendix.html."""

_REFUSAL = re.compile("authentication|password|denied|does not exist|pg_hba.conf|unknown database", re.IGNORECASE)
"""Messages of a server that refuses access; a failed connection has no code."""


class Unavailable(StorageError):
    """The database, or the study in it, cannot be used for the moment.

    Args:
        outage: why.
    """

    def __init__(self, outage: Outage) -> None:
        self.outage = outage
        super().__init__(f"{outage.what}: {outage.remedy}")


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turn database exceptions into one sentence.

    Raises:
        StorageError: in place of an error of the database.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(f"the database cannot be read or written: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return the message of the database's own driver, without the statement."""
    inner = _database_error(error) or error
    return (str(getattr(inner, "orig", None) or inner).splitlines() or [type(inner).__name__])[0]


def outage_of(error: BaseException) -> Outage | None:
    """Return the outage behind an error, if it is likely to pass; None for any other error."""
    if isinstance(error, Unavailable):
        return error.outage
    if not isinstance(error, SQLAlchemyError | StorageInternalError | StorageError):
        return None
    found = _database_error(error)
    return None if found is None else _outage(found)


def _database_error(error: BaseException | None) -> DBAPIError | None:
    """Return the database error that an error was raised from, or during."""
    while error is not None and not isinstance(error, DBAPIError):
        error = error.__cause__ or error.__context__
    return error


def _outage(error: DBAPIError) -> Outage | None:
    if isinstance(error.orig, sqlite3.Error):
        return _OF_SQLITE.get(getattr(error.orig, "sqlite_errorcode", 0) & 0xFF)  # the rest is a detail
    if error.connection_invalidated:
        return AWAY
    if (state := getattr(error.orig, "sqlstate", None)) is not None:
        known = [length for length in (5, 3, 2) if state[:length] in _OF_POSTGRESQL]
        return _OF_POSTGRESQL[state[: known[0]]] if known else None
    refused = _REFUSAL.search(str(error.orig)) is not None
    return AWAY if isinstance(error, OperationalError) and not refused else None
