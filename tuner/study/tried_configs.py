"""The configs that a study has tried: of trials that ended, run or wait, in any driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import optuna

from tuner.optuna_internals import id_of
from tuner.storage import WriteBehindStorage

Key: TypeAlias = tuple[tuple[str, str], ...]


class TriedConfigs:
    """The parameters of all trials of a study that have some.

    A failed trial counts: its config would probably fail again, and `retry` runs it again on demand.

    Args:
        study: as Optuna has it.
        storage: of the study.
    """

    def __init__(self, study: optuna.Study, storage: WriteBehindStorage) -> None:
        self._study_id = id_of(study)
        self._storage = storage
        self._known: set[int] = set()
        self._first = 0
        """The number of the first trial that may be unknown: what an ask costs does not grow with the study."""
        self._keys: set[Key] = set()

    def look(self) -> None:
        """Add the trials that came since the last look."""
        trials = self._storage.get_all_trials(self._study_id, deepcopy=False)
        for trial in trials[self._first :]:
            if trial.number not in self._known and trial.params:
                self._known.add(trial.number)
                self._keys.add(_key(trial.params))
        while self._first < len(trials) and self._first in self._known:
            self._first += 1

    def __contains__(self, params: Mapping[str, Any]) -> bool:
        return _key(params) in self._keys


def _key(params: Mapping[str, Any]) -> Key:
    """Return what is the same for equal parameters alone; true is not 1."""
    return tuple(sorted((name, repr(value)) for name, value in params.items()))
