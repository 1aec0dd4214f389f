"""Requests: what other processes ask of the drivers of a study. They wait in a table until a driver has met them."""

from __future__ import annotations

import enum
import getpass
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Column, Float, Integer, MetaData, NullPool, String, Table
from sqlalchemy.engine import URL
from sqlalchemy.schema import CreateTable

from tuner.storage import postgres
from tuner.storage.transient_errors import readable_errors
from tuner.storage.urls import parse, sqlite_file

BUSY_SECONDS = 10
"""Seconds for which a request waits for another's write on SQLite."""

_TABLE = Table(
    "tuner_requests",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("study", String, nullable=False),
    Column("action", String, nullable=False),
    Column("trial", Integer),
    Column("attempt", Integer, nullable=False),
    Column("actor", String, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,  # so that the id of a request never comes again
)


class Action(enum.Enum):
    """What a driver is asked to do."""

    STOP_STUDY = "stop study"
    STOP_TRIAL = "stop trial"
    RETRY_TRIAL = "retry trial"


@dataclass(frozen=True, slots=True)
class Request:
    """A request of `actor`, made at `at`, in seconds since 1970. It concerns a trial, or with None the study.

    `attempt` is the attempt of the trial that is to stop; 0 in other requests.
    """

    id: int
    action: Action
    trial: int | None
    actor: str
    at: float
    attempt: int


class Requests:
    """The requests of one study.

    Args:
        url: of its database.
        study: its name.
    """

    def __init__(self, url: str, study: str) -> None:
        self._url = parse(url)
        self._engine = _engine(self._url)
        self._study = study

    def make_table(self) -> None:
        """Make the table if it is not there.

        Raises:
            StorageError: the database cannot be written.
        """
        shared = self._url.get_backend_name() == "postgresql"
        with readable_errors(), postgres.setting_up(self._url) if shared else self._engine.connect() as connection:
            connection.execute(CreateTable(_TABLE, if_not_exists=True))
            connection.commit()

    def post(self, action: Action, trial: int | None = None, actor: str = "", attempt: int = 0) -> None:
        """Write a request.

        Args:
            action: what is asked for.
            trial: which it concerns; None is the study.
            actor: who asks; by default this user on this machine.
            attempt: the one that is to stop, for `Action.STOP_TRIAL` alone.

        Raises:
            StorageError: the database cannot be written.
        """
        row = {"study": self._study, "action": action.value, "trial": trial, "attempt": attempt, "at": time.time()}
        self.make_table()
        with readable_errors(), self._engine.begin() as connection:
            connection.execute(_TABLE.insert(), {**row, "actor": actor or this_user()})

    def pending(self) -> Sequence[Request]:
        """Return the requests that no driver has met, the oldest first."""
        asked = sqlalchemy.select(_TABLE).where(_TABLE.c.study == self._study).order_by(_TABLE.c.id)
        with self._engine.connect() as connection:
            rows = connection.execute(asked).all()
        return [Request(row.id, Action(row.action), row.trial, row.actor, row.at, row.attempt) for row in rows]

    def remove(self, request: int) -> None:
        """Remove a request that is met."""
        with self._engine.begin() as connection:
            connection.execute(_TABLE.delete().where(_TABLE.c.id == request))

    def clear(self) -> None:
        """Remove all requests, with the study: a later one of its name has other trials."""
        self.make_table()
        with readable_errors(), self._engine.begin() as connection:
            connection.execute(_TABLE.delete().where(_TABLE.c.study == self._study))


def requests_of(url: str, study: str) -> Requests | None:
    """Return the requests of a study; None where no other process can reach its database, as one in memory."""
    parsed = parse(url)
    reachable = parsed.get_backend_name() == "postgresql" or sqlite_file(parsed) is not None
    return Requests(url, study) if reachable else None


def asks_for_retries(url: str, study: str) -> bool:
    """Return whether people asked for trials of a study to run again that no driver has met.

    Raises:
        StorageError: the database cannot be used.
    """
    requests = requests_of(url, study)
    if requests is None:
        return False
    requests.make_table()
    with readable_errors():
        return any(each.action is Action.RETRY_TRIAL for each in requests.pending())


def this_user() -> str:
    """Return the user and the machine. A user without a name, as in a container, has a number."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # of Python up to 3.12, and of later ones
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def _engine(url: URL) -> sqlalchemy.Engine:
    if url.get_backend_name() == "postgresql":
        return postgres.unpooled(url)
    return sqlalchemy.create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
