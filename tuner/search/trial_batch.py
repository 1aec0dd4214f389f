"""A trial batch: trials whose epochs reach the study in one order, and what waits for its turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuner.protocol import Epoch, Outcome, Trial


@dataclass(frozen=True, slots=True)
class Save:
    """A checkpoint that waits for the epoch before it."""

    state: bytes
    best: bool


@dataclass(slots=True)
class Member:
    """A trial of the batch, with what it has told and the study does not know yet.

    `applied` is the last epoch that the study knows.
    """

    trial: Trial
    applied: int
    started: bool = False
    told: deque[Epoch | Save | Outcome] = field(default_factory=deque)

    @property
    def due(self) -> tuple[int, int]:
        """Its place in the order: the epoch that it tells of next, at the earliest."""
        head = self.told[0] if self.told else None
        return head.epoch if isinstance(head, Epoch) else self.applied + 1, self.trial.number

    def add_save(self, save: Save) -> None:
        """Keep a checkpoint; while one of its kind waits, later ones are dropped."""
        if not any(isinstance(told, Save) and told.best == save.best for told in self.told):
            self.told.append(save)

    def due_saves(self) -> Iterator[Save]:
        """Remove and yield the checkpoints whose epochs the study knows."""
        while self.told and isinstance(save := self.told[0], Save):
            self.told.popleft()
            yield save


class TrialBatch:
    """The trials of a batch that have not ended in the study, in the order of their numbers."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, number: int) -> bool:
        return number in self._members

    def add(self, trial: Trial, applied: int) -> None:
        """Add a trial; the study knows its epochs up to `applied`."""
        self._members[trial.number] = Member(trial, applied)

    def drop(self, number: int) -> None:
        """Remove a trial."""
        del self._members[number]

    def find(self, number: int, attempt: int | None = None) -> Member | None:
        """Return a trial of the batch; None if it has ended, or another attempt at it trains by now."""
        member = self._members.get(number)
        return member if member is not None and attempt in (None, member.trial.attempt) else None

    def start_next(self) -> Trial | None:
        """Return the first trial that nobody trains, which counts as started from now on; None if there is none."""
        for member in self._members.values():
            if not member.started:
                member.started = True
                return member.trial
        return None

    def next_told(self) -> tuple[Member, Epoch | Save | Outcome] | None:
        """Remove and return what is next in the order; None while it has not been told."""
        member = min(self._members.values(), key=lambda each: each.due, default=None)
        return None if member is None or not member.told else (member, member.told.popleft())
