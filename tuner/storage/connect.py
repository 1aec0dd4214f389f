"""The database in Optuna's schema: opening it, and the right to run a study in it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError, StudyError, UsageError, listing
from tuner.optuna_internals import TrialModel
from tuner.storage import postgres
from tuner.storage.coordination import Sole, Turns
from tuner.storage.locks import held, making
from tuner.storage.postgres_coordination import sharing
from tuner.storage.retry import Patience
from tuner.storage.transient_errors import reason
from tuner.storage.urls import parse, shown, sqlite_file

BUSY_SECONDS = 2
"""Seconds for which SQLite itself waits for another write. After that the run shows that it waits."""

SILENT_SECONDS = 60
"""Seconds for which it waits where nobody sees a message, as in the dashboard."""

FOLD_SECONDS = 0.2
"""Seconds for which the end of a run waits for readers. Drivers of other studies wait with it."""


def open_storage(url: str, create: bool = False) -> BaseStorage:
    """Open the database at `url`.

    Args:
        url: any URL that Optuna takes, such as `sqlite:///studies.db`.
        create: for a run: make an SQLite file and missing tables. Otherwise nothing is written.

    Raises:
        UsageError: `url` is no database URL.
        StudyError: the SQLite file does not exist, or the PostgreSQL database has no studies.
        StorageError: the database cannot be opened, or is not one of Optuna's.
    """
    parsed = parse(url)
    file = sqlite_file(parsed)
    if file is not None and not create and not file.exists():
        raise StudyError(f"{shown(url)}: there is no such file; `tuner run` makes it, --storage names another")
    if file is not None and not create and not _has_tables(file):
        raise StorageError(f"{shown(url)}: cannot be opened: a run has not made all tables yet, or it is not Optuna's")
    with _opening(url):
        if parsed.get_backend_name() == "postgresql":
            return _open_postgresql(parsed, create)
        alone = making(file, state_folder(url), shown(url)) if file is not None and create else contextlib.nullcontext()
        with alone:
            storage = RDBStorage(url, engine_kwargs=_engine_options(parsed, create), skip_table_creation=not create)
            if parsed.get_backend_name() == "sqlite":
                _tune_sqlite(storage.engine, create)
        return _cached(storage)


def _has_tables(file: Path) -> bool:
    """Return whether an SQLite file has what Optuna writes last when it makes its tables.

    Optuna would write that itself if it is missing, although told to make no tables. The run that makes the tables
    would then fail. Optuna itself reports files that are no database.
    """
    try:
        with contextlib.closing(_read_only(file)) as connection:
            return connection.execute("SELECT 1 FROM alembic_version").fetchone() is not None
    except sqlite3.OperationalError as error:
        return "no such table" not in str(error)
    except sqlite3.DatabaseError:
        return True


def _is_begun(file: Path) -> bool:
    """Return whether an SQLite file is empty or has some of Optuna's tables, from an active or a killed run."""
    if _has_tables(file):
        return False
    with contextlib.closing(_read_only(file)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return not names or not names.isdisjoint(TrialModel.metadata.tables)


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro", timeout=SILENT_SECONDS, uri=True)


@contextlib.contextmanager
def join(url: str, study: str, told: Callable[[str], None] = lambda message: None) -> Iterator[Turns]:
    """Join the drivers of a study: one of several on PostgreSQL, the only one on SQLite.

    On SQLite a lock of the operating system ensures that. The driver's death frees it. Drivers of other studies may use
    the same file.

    Args:
        url: of the database.
        study: its name.
        told: called with a message when the database makes the run wait.

    Raises:
        UsageError: it is another kind of database.
        StorageError: another process runs the study on the SQLite database, or it cannot be opened.
    """
    parsed = parse(url)
    file = sqlite_file(parsed)
    with contextlib.ExitStack() as stack:
        if parsed.get_backend_name() == "postgresql":
            with _opening(url):
                turns: Turns = stack.enter_context(sharing(parsed, study, told))
        else:
            if parsed.get_backend_name() != "sqlite":
                raise UsageError(f"{shown(url)}: studies can be run on SQLite or PostgreSQL alone")
            if file is not None and file.exists() and not _is_begun(file):
                open_storage(url)  # what is no database is refused before anything is written beside it
            if file is not None:
                stack.enter_context(held(file, state_folder(url), shown(url), study))
                stack.callback(_fold, file)
            turns = Sole(Patience(told))
        yield turns


@contextlib.contextmanager
def alone(url: str, study: str) -> Iterator[None]:
    """Keep every driver away from a study.

    Raises:
        StorageError: one runs it, or the database cannot be opened.
    """
    with join(url, study) as turns, turns.turn():
        if others := turns.alive():
            raise StorageError(f"study {study}: {listing(sorted(others))} is running it; wait for its end or stop it")
        yield


def state_folder(url: str) -> Path:
    """Return `.tuner` beside an SQLite database, or in the current folder for any other."""
    file = sqlite_file(parse(url))
    return (file.parent if file is not None else Path()) / ".tuner"


def study_folder(url: str, study: str, uid: str) -> Path:
    """Return the folder of a study's files. Another study of the same name has another folder."""
    return state_folder(url) / f"{quote(study, safe=' ')[:80]}-{uid}"


@contextlib.contextmanager
def _opening(url: str) -> Iterator[None]:
    """Turn exceptions of the first use of a database into one sentence."""
    try:
        yield
    except (ImportError, SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(f"{shown(url)}: cannot be opened: {reason(error)}") from error
    except (RuntimeError, AssertionError) as error:
        if "storage upgrade" in str(error):
            way_on = f"`optuna storage upgrade --storage {shown(url)}` brings it up to date; copy the database first"
            raise StorageError(f"{shown(url)}: was made by an older Optuna: {way_on}") from None
        raise StorageError(
            f"{shown(url)}: is not a database of this version of Optuna ({optuna.__version__})"
        ) from None


def _open_postgresql(url: URL, create: bool) -> BaseStorage:
    """Return a PostgreSQL storage; drivers that make or read tables at the same moment wait for each other."""
    text = url.render_as_string(hide_password=False)
    with postgres.setting_up(url) as connection:
        if not create and not sqlalchemy.inspect(connection).has_table("studies"):
            raise StudyError(f"{shown(text)}: there are no studies yet; `tuner run` makes their tables")
        return _cached(RDBStorage(text, postgres.engine_options(url), skip_table_creation=not create))


def _cached(storage: RDBStorage) -> BaseStorage:
    cached: BaseStorage = optuna.storages.get_storage(storage)
    return cached


def _engine_options(url: URL, create: bool) -> dict[str, Any]:
    busy = BUSY_SECONDS if create else SILENT_SECONDS
    return {"connect_args": {"timeout": busy}} if url.get_backend_name() == "sqlite" else {}


def _fold(file: Path) -> None:
    """Write the contents of the WAL file into the database, so that it can be copied alone.

    A long reader keeps some of it there, which SQLite also reads.
    """
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(file, FOLD_SECONDS)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _tune_sqlite(engine: sqlalchemy.Engine, create: bool) -> None:
    """Let readers and one writer work at once; WAL mode stays with the file, the rest is per connection.

    In WAL mode only FULL keeps committed data through a loss of power.
    """
    if create:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("PRAGMA journal_mode=WAL"))

    @sqlalchemy.event.listens_for(engine, "connect")
    def _set_up(connection: object, record: object) -> None:
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]  # a DBAPI connection of sqlite3

    with engine.connect() as connection:  # the one that made the tables is there already
        connection.execute(sqlalchemy.text("PRAGMA synchronous=FULL"))
