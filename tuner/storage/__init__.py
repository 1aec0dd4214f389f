"""The database under Optuna's own schema: opening it, and one driver at a time on SQLite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError, UsageError
from tuner.storage.ledger import Ledger
from tuner.storage.locks import held
from tuner.storage.turns import Sole, Turns
from tuner.storage.urls import parse, shown, sqlite_file

__all__ = [
    "Ledger",
    "Sole",
    "Turns",
    "join",
    "open_storage",
    "readable_errors",
    "state_folder",
    "study_folder",
]

BUSY_SECONDS = 60
"""How long SQLite waits for another's write, the dashboard's say, before it gives up."""


def open_storage(url: str, create: bool = False) -> BaseStorage:
    """Open the database at `url`.

    Args:
        url: whatever Optuna takes, such as `sqlite:///studies.db`.
        create: whether to make an SQLite file and the tables that are not there; otherwise
            nothing is written.

    Raises:
        UsageError: `url` is no database URL, or names an SQLite file that is not there.
        StorageError: the database cannot be opened, or is not one of Optuna's.
    """
    parsed = parse(url)
    file = sqlite_file(parsed)
    if file is not None and not create and not file.exists():
        raise UsageError(f"{shown(url)}: there is no such file; `tuner run` makes it, --storage names another")
    try:
        storage = RDBStorage(url, engine_kwargs=_engine_options(parsed), skip_table_creation=not create)
        if parsed.get_backend_name() == "sqlite":
            _tune_sqlite(storage.engine, create)
    except (ImportError, SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(f"{shown(url)}: cannot be opened: {_reason(error)}") from None
    except (RuntimeError, AssertionError):
        raise StorageError(
            f"{shown(url)}: is not a database of this version of Optuna ({optuna.__version__})"
        ) from None
    cached: BaseStorage = optuna.storages.get_storage(storage)
    return cached


@contextlib.contextmanager
def join(url: str, study: str, told: Callable[[str], None] = lambda message: None) -> Iterator[Turns]:
    """Be a driver of a study: the only one of an SQLite database, which the operating system frees on death.

    Args:
        url: of the database.
        study: its name.
        told: is told when the database makes the run wait.

    Raises:
        StorageError: another process runs a study on the SQLite database.
    """
    parsed = parse(url)
    file = sqlite_file(parsed)
    if file is None:
        yield Sole()
        return
    if file.exists():
        open_storage(url)  # what is no database is refused before anything is written beside it
    with held(file, state_folder(url), shown(url)):
        yield Sole()


def state_folder(url: str) -> Path:
    """`.tuner` beside an SQLite database, or in the current folder for any other."""
    file = sqlite_file(parse(url))
    return (file.parent if file is not None else Path()) / ".tuner"


def study_folder(url: str, study: str, uid: str) -> Path:
    """Where the files of a study lie: its checkpoints. Another study of the same name has another folder."""
    return state_folder(url) / f"{quote(study, safe=' ')[:80]}-{uid}"


@contextlib.contextmanager
def readable_errors() -> Iterator[None]:
    """Turn what the database raises into a sentence.

    Raises:
        StorageError: in place of an error of the database.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(f"the database cannot be read or written: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """What the database's own driver said, without the statement that it was given."""
    inner = error.__cause__ if isinstance(error, StorageInternalError) else error
    return str(getattr(inner, "orig", None) or inner).splitlines()[0]


def _engine_options(url: URL) -> dict[str, object]:
    return {"connect_args": {"timeout": BUSY_SECONDS}} if url.get_backend_name() == "sqlite" else {}


def _tune_sqlite(engine: sqlalchemy.Engine, create: bool) -> None:
    """Let readers and one writer work side by side; WAL stays with the file, the rest is per connection."""
    if create:
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("PRAGMA journal_mode=WAL"))

    @sqlalchemy.event.listens_for(engine, "connect")
    def _set_up(connection: object, record: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

    with engine.connect() as connection:  # the one that made the tables is there already
        connection.execute(sqlalchemy.text("PRAGMA synchronous=NORMAL"))
