"""The trial queue: which trials of a study run, wait and come next, whichever driver runs them."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial, TrialState

from tuner.optuna_internals import id_of, is_stopped
from tuner.storage import WriteBehindStorage, readable_errors
from tuner.study.marks import MarkReader
from tuner.study.record import Record, record_of


class TrialQueue:
    """The trials of a study as its storage has them at this moment.

    Args:
        study: as Optuna has it.
        storage: of the study.
        marks: of its trials.
    """

    def __init__(self, study: optuna.Study, storage: WriteBehindStorage, marks: MarkReader) -> None:
        self._study = study
        self._storage = storage
        self._marks = marks

    def in_progress(self) -> int:
        """Return how many trials run."""
        return self._count(TrialState.RUNNING)

    def waiting(self) -> int:
        """Return how many trials were enqueued or set back."""
        return self._count(TrialState.WAITING)

    def running(self) -> list[FrozenTrial]:
        """Return the trials that run, by number."""
        return self._in(TrialState.RUNNING)

    def first(self) -> FrozenTrial | None:
        """Return the waiting trial that is asked for next; None if none waits."""
        return next(iter(self._in(TrialState.WAITING)), None)

    def retried(self) -> bool:
        """Return whether a trial waits that had ended, and that someone wants to run again."""
        retried = self._marks.look().retried
        return any(trial.number in retried for trial in self._in(TrialState.WAITING))

    @property
    def unfinished(self) -> list[int]:
        """The numbers of the trials that run or wait."""
        return [trial.number for trial in self._in(TrialState.RUNNING, TrialState.WAITING)]

    @property
    def upcoming(self) -> int:
        """The number of the trial that is asked for next."""
        first = self.first()
        return self._count(None) if first is None else first.number

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has nothing left to try, as one over a grid."""
        return is_stopped(self._study)

    def ended(self) -> list[Record]:
        """Return the trials that ended since the last call; at first all that have."""
        marks = self._marks.look()
        with readable_errors():
            return [record_of(trial, marks) for trial in self._storage.ended(id_of(self._study))]

    def _count(self, state: TrialState | None) -> int:
        with readable_errors():
            return self._storage.get_n_trials(id_of(self._study), state)

    def _in(self, *states: TrialState) -> list[FrozenTrial]:
        with readable_errors():
            return self._study.get_trials(deepcopy=False, states=states)
