"""A tally: the ended trials of a study, counted by state."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from tuner.study import Record, TrialStatus


class Tally:
    """Counts each trial once, in the state in which it ended last."""

    def __init__(self) -> None:
        self._states: dict[int, TrialStatus] = {}
        self._counts: collections.Counter[TrialStatus] = collections.Counter()

    @property
    def counts(self) -> dict[TrialStatus, int]:
        """The number of trials in each state that has some."""
        return dict(+self._counts)

    def add(self, records: Iterable[Record]) -> None:
        """Count ended trials."""
        for record in records:
            self.drop(record.number)
            self._states[record.number] = record.state
            self._counts[record.state] += 1

    def drop(self, number: int) -> None:
        """Count a trial no more: it runs again."""
        if (state := self._states.pop(number, None)) is not None:
            self._counts[state] -= 1
