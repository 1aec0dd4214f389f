"""Debouncing: work that another thread does once a little later, however often it is asked for until then."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Debouncer:
    """Does one piece of work a little after it was first asked for.

    Args:
        seconds: the delay.
        work: called by another thread, never twice at once.
    """

    def __init__(self, seconds: float, work: Callable[[], None]) -> None:
        self._seconds = seconds
        self._work = work
        self._timer: threading.Timer | None = None
        self._ended = False
        self._lock = threading.Lock()

    def ask(self) -> None:
        """Make sure that the work is done within the time."""
        with self._lock:
            if self._timer is None and not self._ended:
                self._timer = threading.Timer(self._seconds, self._do)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """Stop the work, after waiting for a call in progress."""
        with self._lock:
            self._ended, timer = True, self._timer
        if timer is not None:
            timer.cancel()
            timer.join()

    def _do(self) -> None:
        with self._lock:
            self._timer = None
            if self._ended:
                return
        self._work()
