"""A port without a driver behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tuner.protocol import Epoch, Outcome, Trial, Verdict

Verdicts: TypeAlias = Mapping[int | tuple[int, int], Verdict]
"""By the epoch, or by (trial, epoch)."""


class FakePort:
    """Hands out trials, counts those that are held, and answers reports from a script."""

    def __init__(self, *handed_out: Trial, verdicts: Verdicts | None = None) -> None:
        self.waiting = list(handed_out)
        self.verdicts = verdicts or {}
        self.given: list[Verdict] = []
        self.notes: list[str] = []
        self.held = self.most_held = self.foreseen = 0
        self.epochs: list[Epoch] = []
        self.begun: list[int] = []
        self.outcomes: list[Outcome] = []
        self.checkpoints: dict[int, bytes] = {}
        self.best: dict[int, bytes] = {}

    @property
    def closing(self) -> bool:
        return any(verdict is Verdict.SUSPEND for verdict in self.given)

    def take(self, wait: bool = True) -> Trial | None:
        if not self.waiting or self.closing:
            return None
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        return self.waiting.pop(0)

    def begin(self, trial: int) -> None:
        self.begun.append(trial)

    def foresee(self) -> None:
        self.foreseen += 1

    def report(self, epoch: Epoch) -> Verdict:
        self.epochs.append(epoch)
        self.given.append(self.verdicts.get((epoch.trial, epoch.epoch), self.verdicts.get(epoch.epoch, Verdict.GO)))
        return self.given[-1]

    def load(self, trial: int) -> bytes | None:
        return self.checkpoints.get(trial)

    def save(self, trial: int, state: bytes, best: bool) -> None:
        if best:
            self.best[trial] = state
        else:
            self.checkpoints[trial] = state

    def done(self, outcome: Outcome) -> None:
        self.held -= 1
        self.outcomes.append(outcome)

    def note(self, text: str) -> None:
        self.notes.append(text)
