"""The trials of each study that a driver uses, in memory, with the updates that the database lacks.

The driver's own trials are read once, because nobody else changes them. Trials of other drivers are read again in
each turn, and otherwise when the last read is too old.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Set
from dataclasses import replace
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import copied, id_of, put_trial_id, trial_id_of
from tuner.storage.coordination import Turns, retried
from tuner.storage.memory_tables import MemoryTables
from tuner.storage.reopen import Reopen
from tuner.storage.tables import DRIVER, NEW, Begin, Move, Tables
from tuner.storage.trial_cache import TrialCache
from tuner.storage.trial_update import TrialUpdate

FRESH_SECONDS = 1.0
"""Maximum age of the trials of other drivers, outside a turn."""


class StudyCaches:
    """One `TrialCache` a study.

    Args:
        inner: the storage that lists the studies.
        tables: read the trials.
        turns: of this driver.
    """

    def __init__(self, inner: BaseStorage, tables: Tables | MemoryTables, turns: Turns) -> None:
        self.lock = threading.RLock()
        self.unwritten: dict[int, TrialUpdate] = {}
        """The updates that the database lacks, by the id of the trial."""
        self._inner = inner
        self._tables = tables
        self._turns = turns
        self._caches: dict[int, TrialCache] = {}
        self._own: set[int] = set()
        self._last_read: tuple[Any, float] | None = None

    def of_study(self, study_id: int) -> TrialCache:
        """Return the trials of a study, as new as they have to be; in a turn they are read once."""
        if study_id not in self._caches:
            self.read({study_id})
        elif self._last_read is None or self._is_old(*self._last_read):
            self.read(self._caches.keys())
        return self._caches[study_id]

    def of_trial(self, trial_id: int) -> TrialCache:
        """Return the trials of the study that has this trial; KeyError if no study has it."""
        for study_id, cache in self._caches.items():
            if trial_id in cache:
                return self.of_study(study_id)
        for study in self._inner.get_all_studies():
            study_id = id_of(study)
            if study_id not in self._caches and trial_id in self.of_study(study_id):
                return self._caches[study_id]
        raise KeyError(f"there is no trial with the id {trial_id}")

    def read(self, studies: Set[int], again: Set[int] = frozenset()) -> None:
        """Read new trials and those of other drivers; after `roll_back`, this driver's own trials too.

        Args:
            studies: whose trials are read.
            again: the ids of ended trials of those studies, which may wait again.
        """
        with self.lock:
            for study_id in studies:
                cache = self._caches.get(study_id) or TrialCache()
                others = frozenset(cache.open - self._own) | again
                read = functools.partial(self._tables.read, study_id, others, cache.newest)
                for trial in retried(self._turns, read):
                    self._put(cache, trial)
                self._caches[study_id] = cache
            self._last_read = self._turns.connection, time.monotonic()

    def _is_old(self, turn: Any, when: float) -> bool:
        if not self._turns.driver:  # there is no other
            return False
        now_in = self._turns.connection
        if now_in is not None:
            return now_in is not turn
        return time.monotonic() - when > FRESH_SECONDS

    def _put(self, cache: TrialCache, trial: FrozenTrial) -> None:
        trial_id = trial_id_of(trial)
        cache.put(trial)
        if (update := self.unwritten.get(trial_id)) is not None:
            cache.change(trial_id, update.change)
        if self._last_read is None and self._is_held(trial):
            self._own.add(trial_id)

    def holds(self, trial_id: int) -> bool:
        """Return whether a trial is running under this driver; drop its updates if it is not."""
        held = self._is_held(self.of_trial(trial_id).get(trial_id))
        if not held:
            self.unwritten.pop(trial_id, None)
        return held

    def _is_held(self, trial: FrozenTrial) -> bool:
        return trial.state is TrialState.RUNNING and trial.user_attrs.get(DRIVER, "") == self._turns.driver

    def update(self, trial_id: int, update: TrialUpdate) -> None:
        """Change a trial in memory, and keep the update to be written."""
        self._with(trial_id).change(trial_id, update.change)
        earlier = self.unwritten.get(trial_id)
        self.unwritten[trial_id] = update if earlier is None else earlier.with_later(update)

    def forget_params(self, trial_id: int) -> None:
        """Take the unwritten parameters of a trial out of memory."""
        self._with(trial_id).change(trial_id, _without_params)
        if (update := self.unwritten.get(trial_id)) is not None:
            self.unwritten[trial_id] = replace(update, params={})

    def begin(self, step: Begin, trial_id: int) -> None:
        """Give the trial that was `NEW` the id under which it was written."""
        cache = self._caches[step.study_id]
        trial = copied(cache.get(NEW))
        put_trial_id(trial, trial_id)
        cache.drop(NEW)
        cache.put(trial)
        self._own.add(trial_id)

    def move(self, step: Move) -> None:
        """Change the state of a trial in memory."""
        self._with(step.trial_id).change(step.trial_id, functools.partial(_move, step))

    def reopen(self, step: Reopen) -> None:
        """Let an ended trial wait again in memory."""
        self._with(step.trial_id).change(step.trial_id, step.change)

    def own(self, trial_id: int, own: bool) -> None:
        """Keep in mind whether a trial is this driver's, so that nobody else changes it."""
        if own:
            self._own.add(trial_id)
        else:
            self._own.discard(trial_id)

    def roll_back(self, unwritten: dict[int, TrialUpdate]) -> None:
        """Return to earlier updates after a failed write; then only the database can say what was written."""
        self.unwritten = unwritten
        self.unwritten.pop(NEW, None)
        for cache in self._caches.values():
            if NEW in cache:
                cache.drop(NEW)
        self._own.clear()
        self._last_read = None

    def drop(self, study_id: int) -> None:
        """Forget a study that is deleted."""
        self._caches.pop(study_id, None)

    def _with(self, trial_id: int) -> TrialCache:
        return next(cache for cache in self._caches.values() if trial_id in cache)


def _without_params(trial: FrozenTrial) -> None:
    trial.params, trial.distributions = {}, {}


def _move(step: Move, trial: FrozenTrial) -> None:
    trial.state = step.after
    if step.after is TrialState.RUNNING:
        trial.datetime_start = step.at
    if step.after.is_finished():
        trial.datetime_complete = step.at
    if step.values is not None:
        trial.values = list(step.values)
