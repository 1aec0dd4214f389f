"""Turns: one driver at a time counts the trials of a study, asks for one and records an outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Set
from typing import Protocol, TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tuner.storage.retry import Patience
from tuner.storage.transient_errors import Unavailable, outage_of

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

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Be the only driver that counts, asks, records or takes over, for as long as the context lasts."""
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
    connection: Connection | None = None

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Yield at once: it is always its turn."""
        yield

    def alive(self) -> Set[str]:
        """Return no drivers: running trials that it finds were left by a crash."""
        return frozenset()


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
