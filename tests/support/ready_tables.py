"""The tables of Optuna and of the service on SQLite, made once in a process and copied from then on."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from optuna.storages import RDBStorage
from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from tuner.service.database import Database
from tuner.storage.urls import sqlite_file


@contextlib.contextmanager
def migrations_read_once() -> Iterator[None]:
    """Optuna imports all its migrations three times for each new database, which takes 0.06 s."""
    read: dict[str | None, ScriptDirectory] = {}
    real = ScriptDirectory.from_config

    def once(config: Config) -> ScriptDirectory:
        place = config.get_alembic_option("script_location")
        if place not in read:
            read[place] = real(config)
        return read[place]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", once)
        yield


@contextlib.contextmanager
def tables_made_once(folder: Path) -> Iterator[None]:
    """Optuna makes its tables in 30 statements, which takes 0.05 s; a copy of the file takes 0.01 s.

    Optuna opens the copy as any other file. Only a file that is not there is copied; other processes make theirs.
    """
    ready = folder / "optuna.db"
    real = RDBStorage.__init__

    def copied(self: RDBStorage, url: str, *args: Any, skip_table_creation: bool = False, **options: Any) -> None:
        if not skip_table_creation:
            if not ready.exists():
                real(made := RDBStorage.__new__(RDBStorage), f"sqlite:///{ready}")
                made.engine.dispose()
            _copy(ready, url)
        real(self, url, *args, skip_table_creation=skip_table_creation, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RDBStorage, "__init__", copied)
        yield


@contextlib.contextmanager
def service_tables_made_once(folder: Path) -> Iterator[None]:
    """The same for the tables of the service, whose migrations take 0.03 s."""
    ready = folder / "service.db"
    real = Database.upgrade

    def copied(self: Database) -> None:
        if not ready.exists():
            made = Database(f"sqlite:///{ready}")
            real(made)
            made.engine.dispose()
            with contextlib.closing(sqlite3.connect(ready)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the file alone is copied
        _copy(ready, self.url)
        real(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "upgrade", copied)
        yield


def _copy(ready: Path, url: str) -> None:
    """Copy tables to where a database is not there yet."""
    file = sqlite_file(sqlalchemy.make_url(url))
    if file is not None and file.parent.is_dir() and not file.exists():
        with contextlib.suppress(OSError):  # whoever opens the file will find that it cannot be written, and say so
            shutil.copyfile(ready, file)


@contextlib.contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Let all SQLite engines of this process share what SQLAlchemy compiles, which each would compile anew."""
    compiled: LRUCache[Any, Any] = LRUCache(2000)
    real = Engine.__init__

    def sharing(self: Engine, pool: Any, dialect: Any, *args: Any, **options: Any) -> None:
        real(self, pool, dialect, *args, **options)
        if isinstance(dialect, SQLiteDialect_pysqlite):
            self._compiled_cache = compiled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Engine, "__init__", sharing)
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda self: hash(type(self)))
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", lambda self, other: type(self) is type(other))
        yield
