"""Whose turn it is: one driver at a time counts the trials of a study, asks for one and tells how one ended."""

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
    """The database failed in a turn: what was done last may be written or not, and others may be at it by now."""


class Turns(Protocol):
    """A driver's right to a study, which it may share with others."""

    @property
    def driver(self) -> str:
        """This driver's name among those of the study; empty where there are no others."""
        ...

    @property
    def patience(self) -> Patience:
        """How long it waits for the database."""
        ...

    @property
    def connection(self) -> Connection | None:
        """In a turn that another could take, the connection that holds it: what goes through it is in the turn.

        Raises:
            TurnLost: it is broken.
        """
        ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Be the only driver that counts, asks, tells or takes over, for as long as the context lasts."""
        ...

    def alive(self) -> Set[str]:
        """The names of the other drivers that may be running trials; asked for in a turn."""
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
        """It is always its turn."""
        yield

    def alive(self) -> Set[str]:
        """Nobody: what it finds running was left by a crash."""
        return frozenset()


def in_turn(turns: Turns, work: Callable[[], T]) -> T:
    """Do `work` in a turn; where the turn was lost, do all of it again in another.

    Args:
        turns: of the driver that works.
        work: looks first what a try before it has done.

    Raises:
        OutOfPatience: the database could not be used for too long.
    """

    def once() -> T:
        with turns.turn():
            return work()

    return turns.patience.outlast(once)


def retried(turns: Turns, work: Callable[[], T]) -> T:
    """Do what can be done twice as well as once: repeat it after an outage, but not in a turn, which is lost then.

    Args:
        turns: of the driver that works.
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
    """See to it that what an outage interrupts is not tried again by itself.

    Raises:
        TurnLost: in place of an outage.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        if (outage := outage_of(error)) is None:
            raise
        raise TurnLost(outage) from error
