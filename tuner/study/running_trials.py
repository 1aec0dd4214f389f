"""The running trials of one driver: each attempt, and where it trains."""

from __future__ import annotations

from tuner.protocol import Place
from tuner.storage import TrialUpdate, WriteBehindStorage, readable_errors
from tuner.study.attempt import Attempt
from tuner.study.trial_attributes import TrialAttributes


class RunningTrials:
    """The trials that this driver asked for and that have not ended, by number.

    Args:
        storage: of the study.
    """

    def __init__(self, storage: WriteBehindStorage) -> None:
        self._storage = storage
        self._attempts: dict[int, Attempt] = {}

    def __getitem__(self, number: int) -> Attempt:
        return self._attempts[number]

    def __contains__(self, number: int) -> bool:
        return number in self._attempts

    def find(self, number: int) -> Attempt | None:
        """Return the attempt at a trial; None if it does not run here."""
        return self._attempts.get(number)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Their numbers, in the order in which they were asked for."""
        return tuple(self._attempts)

    def add(self, number: int, attempt: Attempt) -> None:
        """Add a trial."""
        self._attempts[number] = attempt

    def drop(self, number: int) -> None:
        """Remove a trial that ended or waits."""
        del self._attempts[number]

    def note(self, number: int, attributes: TrialAttributes) -> None:
        """Write attributes of a trial that its epochs do not have."""
        with readable_errors():
            self._storage.note(self._attempts[number].id, TrialUpdate(attributes.user))

    def place(self, number: int, place: Place) -> None:
        """Write where a trial trains."""
        self._attempts[number].worker = place.worker
        self.note(number, TrialAttributes.at(place))

    def begin(self, number: int) -> None:
        """Write, at once, that the code of a trial runs from now on: its process may die of it."""
        attempt = self._attempts[number]
        if not attempt.begun:
            with readable_errors():
                self._storage.note(attempt.id, TrialUpdate(TrialAttributes(begun=attempt.attempt).user))
                self._storage.flush()
            attempt.begun = True

    def has_lost(self, worker: str) -> bool:
        """Return whether a worker has a trial that a process died with before."""
        return any(attempt.losses for attempt in self._attempts.values() if attempt.worker == worker)
