"""Turns: one driver at a time counts the trials of a study, asks for one and records an outcome."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Set
from typing import Protocol, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError
from tuner.storage.retry import Patience
from tuner.storage.transient_errors import Unavailable, outage_of, readable_errors

T = TypeVar("T")


class TurnLost(Unavailable):
    """The database failed in a turn: the last write may be lost, and another driver may have the turn."""


class Turns(Protocol):
    """A driver's right to a study, which it may share with others."""

    @property
    def driver(self) -> str:
        """This driver's name among those of the study; empty if it is the only one."""
        ...

    @property
    def patience(self) -> Patience:
        """How long it waits for the database."""
        ...

    @property
    def connection(self) -> Connection | None:
        """The connection that holds the turn, if another driver could take it; its statements are in the turn.

        Raises:
            TurnLost: the connection is broken.
        """
        ...

    @property
    def in_batch(self) -> bool:
        """Whether the caller is inside `batch`."""
        ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Be the only driver that counts, asks, records or takes over, for as long as the context lasts."""
        ...

    def batch(self, engine: Engine) -> contextlib.AbstractContextManager[None]:
        """Commit at the end what this thread writes inside, where only one driver may write.

        Raises:
            StorageError: nothing of it is written.
        """
        ...

    def alive(self) -> Set[str]:
        """Return the names of the other drivers that may be running trials; call it in a turn."""
        ...


class Sole:
    """The turns of a driver that has the database to itself.

    Args:
        patience: how long it waits for the database.
    """

    driver = ""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._batch: Connection | None = None
        self._thread = 0

    @property
    def connection(self) -> Connection | None:
        """The connection of the batch, for the thread that writes it."""
        return self._batch if self._thread == threading.get_ident() else None

    @property
    def in_batch(self) -> bool:
        """Whether the caller is inside `batch`."""
        return self.connection is not None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Yield at once: it is always its turn."""
        yield

    @contextlib.contextmanager
    def batch(self, engine: Engine) -> Iterator[None]:
        """Be one transaction: what this thread writes inside is committed at the end.

        Raises:
            StorageError: nothing of it is written.
        """
        held = self.patience.outlast(functools.partial(_begun, engine))
        transaction = held.get_transaction()
        assert transaction is not None
        self._batch, self._thread = held, threading.get_ident()
        try:
            with readable_errors():
                yield
                if not transaction.is_active:
                    raise StorageError("the database has undone what was written last; repeat it")
                transaction.commit()
        finally:
            self._batch = None
            held.close()

    def alive(self) -> Set[str]:
        """Return no drivers: running trials that it finds were left by a crash."""
        return frozenset()


def _begun(engine: Engine) -> Connection:
    """Return a connection to SQLite that may write from now on."""
    connection = engine.connect()
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    return connection


def in_turn(turns: Turns, work: Callable[[], T]) -> T:
    """Do `work` in a turn; if the turn was lost, do all of it again in another.

    Args:
        turns: the turns of this driver.
        work: checks first what an earlier try has done.

    Raises:
        OutOfPatience: the database could not be used for too long.
    """

    def once() -> T:
        with turns.turn():
            return work()

    if turns.in_batch:  # an outage ends the batch, and with it the turn
        return once()
    return turns.patience.outlast(once)


def retried(turns: Turns, work: Callable[[], T]) -> T:
    """Repeat idempotent work after an outage; in a turn an outage loses the turn instead.

    Args:
        turns: the turns of this driver.
        work: reads, or writes the same again.

    Raises:
        OutOfPatience: the database could not be used for too long.
        TurnLost: the database failed in a turn that another driver could take.
    """
    if turns.connection is None:
        return turns.patience.outlast(work)
    with losing_the_turn():
        return work()


@contextlib.contextmanager
def losing_the_turn() -> Iterator[None]:
    """Prevent that an interrupted operation is retried by itself.

    Raises:
        TurnLost: in place of an outage.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        if (outage := outage_of(error)) is None:
            raise
        raise TurnLost(outage) from error
