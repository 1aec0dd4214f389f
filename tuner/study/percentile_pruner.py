"""Optuna's median and percentile pruners, judged from tables that grow with each completed trial.

Optuna collects and sorts the values of all completed trials at each verdict. Here each trial is taken once, when it is
complete, and a verdict looks its epoch up. The verdicts are the same.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState


class PercentilePruner(BasePruner):
    """Stops a trial whose best value is worse than a percentile of the completed trials at the same epoch.

    The arguments are those of `optuna.pruners.PercentilePruner`, which has checked them.
    """

    def __init__(
        self,
        percentile: float,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        n_min_trials: int = 1,
    ) -> None:
        self._percentile = percentile
        self._startup = n_startup_trials
        self._warmup = n_warmup_steps
        self._interval = interval_steps
        self._least = n_min_trials
        self._completed: list[FrozenTrial] = []
        self._tables: dict[int, list[float]] = {}
        self._counts: Counter[int] = Counter()

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to stop a trial at its last epoch."""
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        step = trial.last_step
        if len(completed) < max(1, self._startup) or step is None or not self._is_due(step, trial.intermediate_values):
            return False
        known = [value for value in trial.intermediate_values.values() if not math.isnan(value)]
        if not known:
            return True
        self._take(completed)
        if self._counts[step] < self._least:
            return False
        if study.direction is StudyDirection.MAXIMIZE:
            return max(known) < _percentile_of(self._tables[step], 100 - self._percentile)
        return min(known) > _percentile_of(self._tables[step], self._percentile)

    def _is_due(self, step: int, steps: Iterable[int]) -> bool:
        """Return whether this is the first epoch with a value in its interval."""
        if step < self._warmup:
            return False
        begin = (step - self._warmup) // self._interval * self._interval + self._warmup
        return not any(begin <= earlier < step for earlier in steps)

    def _take(self, completed: list[FrozenTrial]) -> None:
        """Let the tables have the values of these trials, and of no others."""
        if completed == self._completed:  # quick: a list compares by identity first
            return
        known = {id(trial) for trial in self._completed}
        new = [trial for trial in completed if id(trial) not in known]
        if len(self._completed) + len(new) != len(completed):  # some are hidden, or run again
            self._tables, self._counts, new = {}, Counter(), completed
        for trial in new:
            self._counts.update(trial.intermediate_values.keys())
            for step, value in trial.intermediate_values.items():
                table = self._tables.setdefault(step, [])
                if not math.isnan(value):
                    bisect.insort(table, value)
        self._completed = completed


def _percentile_of(table: Sequence[float], percentile: float) -> float:
    """Return a percentile of ascending values, interpolated as `numpy.nanpercentile` does; NaN without a value."""
    if not table:
        return math.nan
    place = (len(table) - 1) * (percentile / 100)
    lower = math.floor(place)
    low, high = table[lower], table[min(lower + 1, len(table) - 1)]
    share = place - lower
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)
