"""Whose turn it is: one driver at a time counts the trials of a study, asks for one and tells how one ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Set
from typing import Protocol


class Turns(Protocol):
    """A driver's right to a study, which it may share with others.

    `driver` is its name among them.
    """

    @property
    def driver(self) -> str:
        """This driver's name among those of the study."""
        ...

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """Be the only driver that counts, asks, tells or takes over, for as long as the context lasts."""
        ...

    def claim(self, trial_id: int) -> None:
        """Write down that a trial is this driver's, or fail if the turn was lost."""
        ...

    def alive(self) -> Set[str]:
        """The names of the drivers that may be running trials; asked for in a turn."""
        ...


class Sole:
    """The turns of a driver that has the database to itself."""

    driver = ""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """It is always its turn."""
        yield

    def claim(self, trial_id: int) -> None:
        """Nobody else could take it."""

    def alive(self) -> Set[str]:
        """Nobody: what it finds running was left by a crash."""
        return frozenset()
