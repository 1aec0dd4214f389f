"""The trials of a study in memory, as samplers and pruners read them, hundreds of times per write."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Container, Set

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import copied, trial_id_of

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class TrialCache:
    """Trials by their ids. A returned trial is never changed later: a changed copy replaces it.

    The cost of a driver's requests does not depend on the number of ended trials.
    """

    def __init__(self) -> None:
        self._trials: dict[int, FrozenTrial] = {}
        self._ids: dict[int, int] = {}
        self._open: set[int] = set()
        self._counts: Counter[TrialState] = Counter()
        self._kinds: dict[str, BaseDistribution] = {}
        self._ended: dict[int, FrozenTrial] = {}
        self._listed: dict[tuple[TrialState, ...], list[FrozenTrial]] = {}
        self.newest = -1
        """The highest id so far."""

    def __contains__(self, trial_id: int) -> bool:
        return trial_id in self._trials

    def get(self, trial_id: int) -> FrozenTrial:
        """Return a trial; KeyError if there is none."""
        return self._trials[trial_id]

    def id_of(self, number: int) -> int:
        """Return the id of a trial; KeyError if there is none of that number."""
        return self._ids[number]

    def all(self, states: Container[TrialState] | None) -> list[FrozenTrial]:
        """Return the trials in one of `states`, by number; None is all."""
        wanted = tuple(state for state in TrialState if states is None or state in states)
        if wanted not in self._listed:
            found = (trial for trial in self._trials.values() if trial.state in wanted)
            self._listed[wanted] = sorted(found, key=_number)
        return self._listed[wanted].copy()

    def count(self, states: Container[TrialState] | None) -> int:
        """Return the number of trials in one of `states`."""
        return sum(count for state, count in self._counts.items() if states is None or state in states)

    @property
    def open(self) -> Set[int]:
        """The ids of the trials that have not ended."""
        return self._open

    def kind(self, param: str) -> BaseDistribution | None:
        """Return the distribution of a parameter in the study."""
        return self._kinds.get(param)

    def ended(self) -> list[FrozenTrial]:
        """Return the trials that ended, or were added as ended ones, since the last call."""
        ended, self._ended = list(self._ended.values()), {}
        return ended

    def put(self, trial: FrozenTrial) -> None:
        """Add a trial that is new or has changed."""
        trial_id = trial_id_of(trial)
        known = self._trials.get(trial_id)
        self._trials[trial_id] = trial
        self._ids[trial.number] = trial_id
        self.newest = max(self.newest, trial_id)
        self._counts[trial.state] += 1
        if known is not None:
            self._counts[known.state] -= 1
        self._list(trial.number, None if known is None else known.state, trial)
        if trial.state.is_finished():
            self._open.discard(trial_id)
            if known is None or not known.state.is_finished():
                self._ended[trial_id] = trial
        else:
            self._open.add(trial_id)
            self._ended.pop(trial_id, None)  # if it was reopened
        if known is None or known.distributions is not trial.distributions:
            self._kinds = {**trial.distributions, **self._kinds}

    def drop(self, trial_id: int) -> None:
        """Remove a trial that was not written."""
        trial = self._trials.pop(trial_id)
        del self._ids[trial.number]
        self._open.discard(trial_id)
        self._list(trial.number, trial.state, None)
        self._counts[trial.state] -= 1

    def change(self, trial_id: int, change: Callable[[FrozenTrial], None]) -> None:
        """Replace a trial by a changed copy."""
        trial = copied(self._trials[trial_id])
        change(trial)
        self.put(trial)

    def _list(self, number: int, before: TrialState | None, after: FrozenTrial | None) -> None:
        """Change the lists that have a trial, or have it from now on. None stands for a trial that is not there."""
        for states, listed in self._listed.items():
            new = [after] if after is not None and after.state in states else []
            if new or before in states:
                place = bisect.bisect_left(listed, number, key=_number)
                listed[place : place + (before in states)] = new


def _number(trial: FrozenTrial) -> int:
    return trial.number
