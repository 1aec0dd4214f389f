"""Completions for a shell's Tab: studies and space files, without slow imports."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import typer

from tuner.config import DEFAULT_STORAGE

SUFFIXES = (".yaml", ".yml")
SQLITE = "sqlite:///"
SPACES = "search_spaces"
NAMES = "SELECT study_name FROM studies ORDER BY study_id"
PATIENCE = 1
"""Seconds that a database may take. A shell that hangs on Tab is worse than no completions."""


def study_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the studies of the database that the command line names, or of the default one."""
    url = ctx.params.get("storage") or os.environ.get("TUNER_STORAGE") or DEFAULT_STORAGE
    names = _of_sqlite(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else _of_server(url)
    return [name for name in names if name.startswith(incomplete)]


def space_files(incomplete: str) -> list[str]:
    """Return the YAML files of the typed folder; without a folder, those here and in `search_spaces/`."""
    folder = os.path.dirname(incomplete)
    names = [os.path.join(folder, name) for name in _yaml_files(Path(folder))]
    bare = [] if folder else _yaml_files(Path(SPACES))
    return [name for name in dict.fromkeys([*names, *bare]) if name.startswith(incomplete)]


def _yaml_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.suffix in SUFFIXES) if folder.is_dir() else []


def _of_sqlite(path: str) -> list[str]:
    try:
        connection = sqlite3.connect(f"file:{quote(path.partition('?')[0])}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return [name for (name,) in connection.execute(NAMES)]
        finally:
            connection.close()
    except sqlite3.Error:  # there is no file yet, or it is another program's: there is nothing to offer
        return []


def _of_server(url: str) -> list[str]:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(parsed, connect_args={"connect_timeout": PATIENCE})
        with engine.connect() as connection:
            return [str(name) for (name,) in connection.execute(sqlalchemy.text(NAMES))]
    except (SQLAlchemyError, ImportError, ValueError):  # it is not there, or not spoken: there is nothing to offer
        return []
