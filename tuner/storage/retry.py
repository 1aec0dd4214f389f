"""Patience: how long a run waits for a database that is locked, full or away, with messages."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

from tuner.errors import StorageError
from tuner.storage.transient_errors import AWAY, Outage, outage_of, reason

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""Largest number of seconds of an outage."""

REMIND_SECONDS = 10.0
"""Seconds between two messages about an outage."""

AGAIN_SECONDS = 0.5
"""Seconds between two tries."""


class OutOfPatience(StorageError):
    """The database could not be used for too long, or the run stops waiting."""


class Patience:
    """One outage at a time, whatever it interrupts; used by one thread.

    Args:
        told: called with messages when a wait starts, lasts and ends.
    """

    def __init__(self, told: Callable[[str], None] = lambda message: None) -> None:
        self._told = told
        self._hurried = False
        self._depth = 0
        self._since: float | None = None
        self._reminded = 0.0

    def hurry(self) -> None:
        """Stop waiting; called from a signal handler, possibly during a wait."""
        self._hurried = True

    def outlast(self, work: Callable[[], T]) -> T:
        """Do `work` until no outage interrupts it; it may call this function for its parts.

        Args:
            work: can be repeated wherever it failed.

        Raises:
            OutOfPatience: an outage has lasted for too long, or `hurry` was called.
        """
        self._depth += 1
        try:
            while True:
                try:
                    done = work()
                except Exception as error:
                    if isinstance(error, OutOfPatience) or (outage := outage_of(error)) is None:
                        raise
                    self._wait(outage, error)
                else:
                    self._succeeded()
                    return done
        finally:
            self._depth -= 1

    def _succeeded(self) -> None:
        """Reset the outage at the outermost level: a part may succeed while the whole never does."""
        if self._depth == 1 and self._since is not None:
            self._since = None
            if not self._hurried:
                self._told("the database can be used again: going on")

    def _wait(self, outage: Outage, error: Exception) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since, self._reminded = now, -math.inf
        left = self._since + PATIENCE_SECONDS - now
        if left <= 0 or self._hurried:
            raise OutOfPatience(_farewell(outage, error, now - self._since)) from error
        if now - self._reminded >= REMIND_SECONDS:
            self._reminded = now
            self._told(f"{outage.what}: waiting for it, up to {left:.0f} s more")
        self._pause(now + AGAIN_SECONDS)

    def _pause(self, until: float) -> None:
        """Wait in slices, since a signal does not end a sleep of Python."""
        while time.monotonic() < until and not self._hurried:
            time.sleep(0.1)


def _farewell(outage: Outage, error: Exception, seconds: float) -> str:
    detail = f" ({reason(error)})" if outage is AWAY else ""
    lasted = f", for {seconds:.0f} s by now" if seconds >= 1 else ""
    return f"{outage.what}{detail}{lasted}: {outage.remedy}; the study is whole, and the same command goes on with it"
