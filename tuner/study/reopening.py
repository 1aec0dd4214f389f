"""Reopening: a trial that failed or was pruned runs again under its number, from its first epoch.

It keeps its parameters and its seed. What its end has left is deleted. Its attempt goes up, so a late worker cannot
report to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import CONSTRAINTS_KEY, id_of, trial_id_of
from tuner.storage import WriteBehindStorage, read_again, readable_errors
from tuner.storage.reopen import Reopen
from tuner.study.marks import Marks, Retried
from tuner.study.record import record_of
from tuner.study.study import Study
from tuner.study.trial_attributes import HISTORY, TRACEBACK, attributes_of

_USER = frozenset(
    ("begun", "judged", "losses", "lanes", "worker", "host", "device", "threads", "driver", "state", "cause", "epoch")
)
"""The user attributes that attempts and their end have left. The attempt, the seed and the origin stay."""

_SYSTEM = (HISTORY, TRACEBACK, CONSTRAINTS_KEY, "completed_rung_")
"""The beginnings of such system attributes, those of Optuna's pruners among them."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Someone wants a trial to run again: `by` whom, `at` which time, in seconds since 1970.

    `request` is the id of the request in the database, 0 without one.
    """

    trial: int
    by: str
    at: float
    request: int = 0


class Reopening:
    """Reopens trials of a study for its driver, and sees what other drivers have reopened.

    Args:
        study: opened for its space.
        storage: of the study.
    """

    def __init__(self, study: Study, storage: WriteBehindStorage) -> None:
        self._study = study
        self._storage = storage
        self._seen = Marks()

    def look(self) -> Marks:
        """Return the marks of the study, and read trials again that another driver has reopened."""
        marks = self._study.marks.look()
        if marks.retried != self._seen.retried:
            self._seen = marks
            self._study.records()
        return marks

    def failed(self) -> list[int]:
        """Return the numbers of the trials that an exception ended."""
        return [record.number for record in self._study.records() if record.failed]

    def reopen(self, wish: Wish, prepare: Callable[[int], None]) -> bool:
        """Set a trial back to its beginning, in a turn; return whether it waits as wished.

        It stays as it is if it is complete or has not ended, or there is none of that number. So it does if a driver
        has met that request or a later one.

        Args:
            wish: for one trial.
            prepare: called with its number before it is set back.
        """
        marks = self._study.marks.read()
        known = marks.retried.get(wish.trial)
        with readable_errors():
            trial = self._read(wish.trial)
            if trial is None:
                return False
            if known is not None and (known.by, known.at) == (wish.by, wish.at):
                return trial.state is TrialState.WAITING  # it was written, and the answer lost
            met = known is not None and wish.request and known.request >= wish.request
            if met or not record_of(trial, marks).retriable:
                return False
            prepare(wish.trial)
            with self._storage.together() as written:
                written.step = self._step(trial, wish, known)
        self._seen = self._study.marks.read()
        return True

    def _read(self, number: int) -> FrozenTrial | None:
        study_id = id_of(self._study.optuna)
        try:
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, number)
        except KeyError:  # the request was for an earlier study of that name
            return None
        read_again(self._storage, study_id, {trial_id})
        return self._storage.get_trial(trial_id)

    def _step(self, trial: FrozenTrial, wish: Wish, known: Retried | None) -> Reopen:
        mark = Retried(
            wish.by,
            wish.at,
            attributes_of(trial).attempt or 0,
            spared=trial.state is TrialState.PRUNED or (known is not None and known.spared),
            request=max(wish.request, 0 if known is None else known.request),
        )
        lost = frozenset(key for key in trial.system_attrs if key.startswith(_SYSTEM))
        return Reopen(id_of(self._study.optuna), trial_id_of(trial), trial.state, _USER, lost, mark.fact(trial.number))
