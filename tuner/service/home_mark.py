"""The mark of a home: which database the files there belong to.

Each database counts its jobs from 1, and the folders of their files have these numbers. So a home is of one database.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy

from tuner.errors import StorageError, TunerError
from tuner.runtime.files import write_whole
from tuner.service.database import Database
from tuner.service.service_tables import identity
from tuner.storage.urls import parse, shown, sqlite_file


def claim_home(database: Database) -> None:
    """Mark the home as this database's, unless it is already. The caller alone serves the database.

    Raises:
        StorageError: the files there are of another database, or the database cannot be used.
        TunerError: the mark cannot be read or written.
    """
    refuse_home_of_another(database)
    own = _identity(database)
    if own is None:
        own = secrets.token_hex(16)
        with database.begin() as connection:
            connection.execute(identity.insert().values(id=own))
    write_whole(_mark(database), own.encode())


def refuse_home_of_another(database: Database) -> None:
    """Refuse a home with the files of another database; nothing is written.

    Raises:
        StorageError: it is one, or the database cannot be used.
        TunerError: the mark cannot be read.
    """
    mark = _mark(database)
    try:
        owner = mark.read_text() if mark.exists() else ""
    except OSError as error:
        raise TunerError(f"{mark}: cannot be read: {error.strerror}; give it to the user who serves") from None
    if not owner or owner == _identity(database):
        return
    file = sqlite_file(parse(database.url))
    other = "serve from another folder" if file is None else f"move {file.name} to a folder of its own"
    raise StorageError(
        f"{shown(database.url)}: {mark.parent} has the files of another database; {other}.\n"
        "If that other database is gone for good, remove its files."
    )


def _identity(database: Database) -> str | None:
    """Return the id of a database; None if no server has given it one."""
    file = sqlite_file(parse(database.url))
    if file is not None and not file.exists():
        return None
    with database.begin() as connection:
        if not sqlalchemy.inspect(connection).has_table(identity.name):
            return None
        found: str | None = connection.execute(sqlalchemy.select(identity.c.id)).scalar()
    return found


def _mark(database: Database) -> Path:
    return database.home.absolute() / "database"
