"""Tables in place of a database: they keep the trials of a write-behind storage in memory alone."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Set

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from tuner.optuna_internals import trial_id_of
from tuner.storage.tables import Begin, Step
from tuner.storage.trial_update import TrialUpdate


class MemoryTables:
    """Stand in for `Tables` and write nothing.

    Args:
        inner: the storage with the first trials.
    """

    shared = False

    def __init__(self, inner: BaseStorage) -> None:
        self._inner = inner
        self._newest = -1

    def batch(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing more than what is inside."""
        return contextlib.nullcontext()

    def read(self, study_id: int, known: Set[int], newest: int) -> list[FrozenTrial]:
        """Return the first trials, once."""
        if newest >= 0:
            return []
        trials = self._inner.get_all_trials(study_id, deepcopy=False)
        self._newest = max([self._newest, *(trial_id_of(trial) for trial in trials)])
        return trials

    def write(self, facts: Mapping[int, TrialUpdate], step: Step | None = None) -> int | None:
        """Return the id of a trial that begins, and write nothing."""
        if not isinstance(step, Begin):
            return None
        self._newest += 1
        return self._newest

    def write_aside(self, facts: Mapping[int, TrialUpdate]) -> None:
        """Write nothing."""
