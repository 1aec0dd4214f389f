"""Database URLs: what they mean to us, and how they are shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.errors import UsageError

POSTGRESQL = "postgresql+psycopg"


def parse(url: str) -> URL:
    """Read a URL; PostgreSQL is always spoken to through psycopg.

    Raises:
        UsageError: it is none, or asks for another driver of PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        masked = re.sub(r":[^/].*@", ":***@", url)
        raise UsageError(f"--storage {masked}: is no database URL, such as sqlite:///studies.db") from None
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername=POSTGRESQL)
    if parsed.drivername.startswith("postgresql+") and parsed.drivername != POSTGRESQL:
        raise UsageError(f"--storage {shown(url)}: PostgreSQL is used through psycopg 3: write {POSTGRESQL}://")
    return parsed


def shown(url: str) -> str:
    """The URL without its password, wherever it stands."""
    parsed = make_url(url)
    secrets = {key: "***" for key in parsed.query if "password" in key}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True)


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database; None for one in memory and for any other database."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(os.path.realpath(str(url.database)))


def anchored(url: str, folder: str) -> str:
    """The URL with a relative path of an SQLite file taken to start at a folder.

    Raises:
        UsageError: it is no URL.
    """
    parsed = parse(url)
    if sqlite_file(parsed) is None:
        return url
    return parsed.set(database=str(Path(folder, str(parsed.database)))).render_as_string(hide_password=False)
