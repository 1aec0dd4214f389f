"""The database of the service: its engine, and the migrations that bring its tables up to date."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL

from tuner.errors import StorageError, UsageError
from tuner.service.service_tables import VERSION_TABLE
from tuner.service.tenure import Tenure
from tuner.storage import open_storage, postgres, state_folder
from tuner.storage.locks import HeldByAnother, held, making
from tuner.storage.transient_errors import readable_errors
from tuner.storage.urls import parse, shown, sqlite_file

BUSY_SECONDS = 10
"""Seconds for which a write waits for another on SQLite; drivers hold it for milliseconds."""

LOCK = "/tuner serve"
"""The name of the lock of a server on SQLite. No study of the service has a slash in its name."""

_SCRIPTS = ScriptDirectory(str(Path(__file__).parent / "migrations"))


class Database:
    """The tables of the service.

    Args:
        url: of the studies' database, SQLite in a file or PostgreSQL.

    Raises:
        UsageError: it is another database, which several processes cannot use.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._parsed = parse(url)
        self._is_postgres = self._parsed.get_backend_name() == "postgresql"
        if not self._is_postgres and sqlite_file(self._parsed) is None:
            raise UsageError(f"--storage {shown(url)}: the service needs an SQLite file or PostgreSQL")
        self.engine = _engine(self._parsed)
        self._tenure: Tenure | None = None
        self.home = state_folder(url) / "service"
        """The folder of submitted files, trained models and logs of drivers."""

    @property
    def alive(self) -> Path:
        """The file whose time is the last sign of a server."""
        return self.home / "alive"

    def note_life(self) -> None:
        """Note that a server lives, for the next one. The database itself need not be asked for it."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.alive.touch()

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, which is committed at the end.

        Raises:
            StorageError: the database cannot be used.
        """
        with readable_errors(), self.engine.begin() as connection:
            yield connection

    def upgrade(self) -> None:
        """Make the tables of Optuna and of the service, or bring the latter up to date.

        Raises:
            StorageError: it cannot be written, or a newer version of tuner made the tables.
        """
        open_storage(self.url, create=True)
        with self._setting_up() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", _SCRIPTS.dir)
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                message = f"{shown(self.url)}: was used by a newer tuner serve: upgrade tuner ({error})"
                raise StorageError(message) from None
            connection.commit()

    @property
    def is_current(self) -> bool:
        """Whether the tables are those of this version."""
        return self._version() == _SCRIPTS.get_current_head()

    def refuse_newer(self) -> None:
        """Refuse tables that a newer version of tuner has made; nothing is written.

        Raises:
            StorageError: they are.
        """
        found = self._version()
        if found is not None and found not in {script.revision for script in _SCRIPTS.walk_revisions()}:
            raise StorageError(f"{shown(self.url)}: was used by a newer tuner serve: upgrade tuner (version {found})")

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        """Be the only server of the database. The process's death frees it.

        Raises:
            StorageError: another one serves it.
        """
        if (file := sqlite_file(self._parsed)) is not None:
            with contextlib.ExitStack() as stack:
                try:
                    stack.enter_context(held(file, state_folder(self.url), shown(self.url), LOCK))
                except HeldByAnother as other:
                    raise StorageError(f"{shown(self.url)}: {other.holder} serves it; stop that one first") from None
                yield
            return
        self._tenure = Tenure(self.url)
        self._tenure.keep()
        try:
            yield
        finally:
            tenure, self._tenure = self._tenure, None
            tenure.end()

    def keep_serving(self) -> bool:
        """Look whether this server still serves the database alone; return whether it had lost that and has it again.

        On SQLite only its death can take it.

        Raises:
            ServedByAnother: another server serves the database now.
            StorageError: the database cannot be reached.
        """
        return self._tenure is not None and self._tenure.keep()

    @property
    def is_kept(self) -> bool:
        """Whether no other server served the database at the last look."""
        return self._tenure is None or self._tenure.is_held

    def _version(self) -> str | None:
        with self.begin() as connection:
            if not sqlalchemy.inspect(connection).has_table(VERSION_TABLE):
                return None
            found: str | None = connection.execute(sqlalchemy.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
        return found

    @contextlib.contextmanager
    def _setting_up(self) -> Iterator[Connection]:
        file = sqlite_file(self._parsed)
        with readable_errors():
            if file is None:
                with postgres.setting_up(self._parsed) as connection:
                    yield connection
            else:
                with making(file, state_folder(self.url), shown(self.url)), self.engine.connect() as connection:
                    yield connection


def _engine(url: URL) -> sqlalchemy.Engine:
    if url.get_backend_name() == "postgresql":
        return sqlalchemy.create_engine(url, **postgres.engine_options(url, "tuner serve"))
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _set_up(connection: object, record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # SQLAlchemy types it as any object
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine
