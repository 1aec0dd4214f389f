"""Attendance: which workers of a remote study ask for trials or train them."""

from __future__ import annotations

import time
from collections.abc import Callable, Set

from tuner.protocol import WorkerState

ABSENT_SECONDS = 60.0
"""Seconds without a trial and a question for one, after which a worker has left."""


class Attendance:
    """The workers that are there. A worker that left and asks again has come anew.

    Args:
        tell: called with the name of a worker that comes or leaves, and why it left.
    """

    def __init__(self, tell: Callable[[str, WorkerState, str], None]) -> None:
        self._tell = tell
        self._seen: dict[str, float] = {}

    def asks(self, worker: str) -> None:
        """Note that a worker asks for a trial."""
        if worker not in self._seen:
            self._tell(worker, WorkerState.READY, "")
        self._seen[worker] = time.monotonic()

    def leaves(self, worker: str, cause: str = "") -> None:
        """Note that a worker is gone."""
        self._seen.pop(worker, None)
        self._tell(worker, WorkerState.GONE, cause)

    def miss(self, training: Set[str]) -> None:
        """Note which workers have left. Those that train are there until now."""
        now = time.monotonic()
        for worker, seen in tuple(self._seen.items()):
            if worker in training:
                self._seen[worker] = now
            elif now - seen > ABSENT_SECONDS:
                self.leaves(worker)
