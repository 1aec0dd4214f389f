"""Database URLs: what they mean to us, and how they are shown."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.errors import UsageError


def parse(url: str) -> URL:
    """Read a URL.

    Raises:
        UsageError: it is none.
    """
    try:
        return make_url(url)
    except ArgumentError:
        raise UsageError(f"--storage {url}: is no database URL, such as sqlite:///studies.db") from None


def shown(url: str) -> str:
    """The URL without its password."""
    return parse(url).render_as_string(hide_password=True)


def sqlite_file(url: URL) -> Path | None:
    """The file of an SQLite database; None for one in memory and for any other database."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(os.path.realpath(str(url.database)))
