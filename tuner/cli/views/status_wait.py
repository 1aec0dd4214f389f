"""What `tuner status --watch` looks at: a study that may not be there yet, or on which no run is active yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.errors import StorageError, StudyError
from tuner.results.progress import Overview, Phase

HALF_MADE_SECONDS = 10.0
"""How long a database may lack its tables: a run that starts makes them one after the other."""

AFTER_THE_END_SECONDS = 15.0
"""How long a study that is over is watched for a run that goes on with it: one loads torch and data before that."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A run that is not there yet; `seen` is the study as it stands, None where it is not there either."""

    reason: str
    seen: Overview | None

    @property
    def over(self) -> bool:
        """What has not begun is not over."""
        return False


class Lookout:
    """Looks at a study, and waits for it and for a run of it.

    Args:
        look: gives the study's numbers as they are when it is called.
        patience: for how many seconds it waits in all.
    """

    def __init__(self, look: Callable[[], Overview], patience: float) -> None:
        self._look = look
        self._patience = patience
        self._began = time.monotonic()
        self._ended_before: int | None = None
        self._half_made_since: float | None = None
        self._begun = False

    def __call__(self) -> Overview | Awaited:
        """How the study stands, or what is waited for.

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
