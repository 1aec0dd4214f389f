"""Database URLs: how they are parsed and shown."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.errors import UsageError

POSTGRESQL = "postgresql+psycopg"


def parse(url: str) -> URL:
    """Parse a URL; PostgreSQL always uses psycopg.

    Raises:
        UsageError: it is no URL, or asks for another driver of PostgreSQL.
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
    """Return the URL without its password, wherever it is."""
    parsed = make_url(url)
    secrets = {key: "***" for key in parsed.query if "password" in key}
    return parsed.update_query_dict(secrets).render_as_string(hide_password=True)


def sqlite_file(url: URL) -> Path | None:
    """Return the file of an SQLite database; None for one in memory and for any other database."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(os.path.realpath(str(url.database)))


def anchored(url: str, folder: str) -> str:
    """Return the URL with a relative path of an SQLite file resolved from a folder.

    Raises:
        UsageError: it is no URL.
    """
    parsed = parse(url)
    if sqlite_file(parsed) is None:
        return url
    return parsed.set(database=str(Path(folder, str(parsed.database)))).render_as_string(hide_password=False)
