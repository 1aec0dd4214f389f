"""A clock that tests set."""

from __future__ import annotations


class Clock:
    """Returns `now`, which a test moves."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The seconds that the test has set."""
        return self.now
