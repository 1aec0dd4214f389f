"""The target of `tuner status --watch`: a study that may not exist yet, or has no active run yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.errors import StorageError, StudyError
from tuner.results.progress import Overview, Phase

HALF_MADE_SECONDS = 10.0
"""Seconds for which a database may lack its tables: a starting run makes them one by one."""

AFTER_THE_END_SECONDS = 15.0
"""Seconds for which a finished study is watched for a new run, which first loads torch and data."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A run that has not started; `seen` is the study's state, None if there is no study."""

    reason: str
    seen: Overview | None

    @property
    def over(self) -> bool:
        """False: what has not begun is not over."""
        return False


class Lookout:
    """Reads a study, and waits for it and for a run of it.

    Args:
        look: returns the study's current numbers.
        patience: largest number of seconds to wait in total.
    """

    def __init__(self, look: Callable[[], Overview], patience: float) -> None:
        self._look = look
        self._patience = patience
        self._began = time.monotonic()
        self._ended_before: int | None = None
        self._half_made_since: float | None = None
        self._begun = False

    def __call__(self) -> Overview | Awaited:
        """Return the state of the study, or what is waited for.

        Raises:
            StudyError: the study has not come, or is gone.
            StorageError: the database cannot be read.
        """
        try:
            seen = self._look()
        except (StudyError, StorageError) as error:
            return self._awaited(error)
        if self._ended_before is None:
            self._ended_before = seen.ended
        self._begun = self._begun or not seen.over or seen.ended > self._ended_before
        patience = self._patience if seen.phase is Phase.RESTING else min(self._patience, AFTER_THE_END_SECONDS)
        if self._begun or self._waited >= patience:
            return seen
        return Awaited("no run is active yet: waiting for one", seen)

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._began

    def _awaited(self, error: StudyError | StorageError) -> Awaited:
        patience = self._patience
        if isinstance(error, StorageError):
            self._half_made_since = self._half_made_since or time.monotonic()
            patience = min(patience, self._half_made_since - self._began + HALF_MADE_SECONDS)
        if self._begun or self._waited >= patience:
            raise error
        self._ended_before = 0
        return Awaited(f"waiting for it: {error}", None)
