"""The trials of a study in memory, as samplers and pruners read them, hundreds of times for one write."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container, Iterable

from optuna.trial import FrozenTrial, TrialState


class View:
    """Trials by their ids. One that was handed out is never changed afterwards: a changed copy takes its place.

    Args:
        trials: as the database has them.
    """

    def __init__(self, trials: Iterable[FrozenTrial]) -> None:
        self._trials = {trial._trial_id: trial for trial in trials}

    def __contains__(self, trial_id: int) -> bool:
        return trial_id in self._trials

    def get(self, trial_id: int) -> FrozenTrial:
        """A trial; KeyError if there is none."""
        return self._trials[trial_id]

    def all(self, states: Container[TrialState] | None) -> list[FrozenTrial]:
        """Those in one of `states`, by number; None is all."""
        there = [trial for trial in self._trials.values() if states is None or trial.state in states]
        return sorted(there, key=lambda trial: trial.number)  # nearly in order already

    def put(self, trial: FrozenTrial) -> None:
        """Take in a trial as the database has it."""
        self._trials[trial._trial_id] = trial

    def change(self, trial_id: int, change: Callable[[FrozenTrial], None]) -> None:
        """Put a changed copy in the place of a trial."""
        trial = copy.copy(self._trials[trial_id])
        change(trial)
        self._trials[trial_id] = trial
