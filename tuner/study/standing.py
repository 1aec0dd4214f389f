"""The standing of a study: its best trials so far, kept as they end instead of looked for among all."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.study.record import Record
from tuner.study.study import Study


class Standing:
    """Who is ahead.

    Args:
        study: says by what.
        keep: how many of the best are remembered.
    """

    def __init__(self, study: Study, keep: int) -> None:
        self._study = study
        self._keep = keep
        self.front: list[Record] = []
        """As `Study.front` gives it."""
        self.best: list[Record] = []
        """Of the sound ones, by rank."""

    def take(self, ended: Iterable[Record]) -> None:
        """Take in trials that have ended; one that was taken in before changes nothing."""
        sound = [record for record in ended if record.sound]
        self.front = self._study.front(_merged(self.front, sound))
        self.best = self._study.ranked(_merged(self.best, sound))[: self._keep]


def _merged(known: list[Record], new: list[Record]) -> list[Record]:
    """By number, as a study has them: so equals keep their order."""
    records = {record.number: record for record in [*known, *new]}
    return [records[number] for number in sorted(records)]
