"""The pauses between attempts of a request, and what is told of a long wait."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

from tuner.errors import TunerError

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts: each pause is up to twice as long as the last one, to this limit."""

TELL_SECONDS = 1.0
"""Seconds without an answer, after which a wait is told."""

_logger = logging.getLogger(__name__)


class Pauses:
    """The pauses between attempts, longer each time and up to a deadline.

    Args:
        patience: returns the seconds until the deadline, which may become more.
    """

    def __init__(self, patience: Callable[[], float]) -> None:
        self._patience = patience
        self.reset()

    def reset(self) -> None:
        """Begin anew, after an attempt that succeeded."""
        self._began = time.monotonic()
        self._told = False
        self._pause = FIRST_PAUSE

    def wait_after(self, error: TunerError, asked: float | None = None) -> None:
        """Wait before the next attempt.

        Args:
            error: of the last attempt; raised if the next one would be after the deadline.
            asked: the seconds that the server asks for, at least.
        """
        pause = max(random.uniform(0.5, 1.0) * self._pause, asked or 0.0)
        patience = self._patience()
        if time.monotonic() + pause > self._began + patience:
            raise error
        if not self._told and time.monotonic() + pause > self._began + TELL_SECONDS:
            self._told = True
            _logger.warning("waiting for the server, for up to %.0f seconds: %s", patience, error)
        time.sleep(pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
