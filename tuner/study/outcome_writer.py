"""The outcome writer: it stores how a trial ended, or that it waits for another attempt."""

from __future__ import annotations

from dataclasses import replace

from optuna.trial import TrialState

from tuner.optuna_internals import tell
from tuner.protocol import Outcome, State
from tuner.storage import TrialUpdate, WriteBehindStorage
from tuner.study.attempt import TOLD_AS, Attempt, constraints
from tuner.study.marks import hidden
from tuner.study.study import Study
from tuner.study.trial_attributes import TRACEBACK, TrialAttributes, attributes_of

_UNKNOWN = {"epoch": None, "cause": ""}
"""What is written over attributes that an attempt that crashed has left, where they are not known any more."""


class OutcomeWriter:
    """Ends trials in a study, or sets them back.

    Args:
        study: opened for its space.
        storage: of the study.
    """

    def __init__(self, study: Study, storage: WriteBehindStorage) -> None:
        self._study = study
        self._storage = storage

    def write(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Write the outcome of an attempt; return whether the trial has ended: suspended and lost ones wait.

        A trial fails if it was lost more often than `search.retries`, unless another trial may be the cause. A trial
        that the pruner stopped is pruned, however its attempt ended.
        """
        stopped = attempt.stopped_at
        trial = self._storage.get_trial(attempt.id)  # an attempt that crashed may have left facts of its own
        losses = (attributes_of(trial).losses or 0) + 1
        lost = TrialAttributes(losses=losses if outcome.state is State.LOST else None)
        again = lost.losses is not None and (outcome.company or losses <= self._study.space.search.retries)
        if stopped is None and (outcome.state is State.SUSPENDED or again):
            self.wait(attempt.id, lost)
            return False
        if stopped is not None and outcome.state in (State.SUSPENDED, State.LOST):
            outcome = attempt.pruned(outcome, stopped, self._study.goal)
        if outcome.state is State.LOST:
            outcome = replace(outcome, cause=died(outcome.cause, losses))
        stale = {name: nothing for name, nothing in _UNKNOWN.items() if name in trial.user_attrs}
        cause = self._cause(attempt, outcome) or None
        known = replace(lost, state=outcome.state.value, epoch=outcome.epoch, cause=cause)
        trace = {TRACEBACK: outcome.traceback} if outcome.traceback or TRACEBACK in trial.system_attrs else {}
        told = TrialUpdate({**stale, **known.user}, {**constraints(outcome.violations), **trace})
        values = outcome.values if outcome.state is State.COMPLETE else None
        with hidden(self._study.marks.look(), self._storage), self._storage.together():
            self._storage.note(attempt.id, told)
            tell(self._study.optuna, outcome.trial, values, TOLD_AS[outcome.state])
        return True

    def wait(self, trial_id: int, lost: TrialAttributes) -> None:
        """Set a trial back, so that it is asked for again.

        Args:
            trial_id: in the storage.
            lost: its number of lost attempts, if this one is lost.
        """
        with self._storage.together():
            self._storage.note(trial_id, TrialUpdate(lost.user))
            self._storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def _cause(self, attempt: Attempt, outcome: Outcome) -> str:
        """Return why the trial ended; a trial that is pruned without a cause was stopped by the pruner."""
        if outcome.state is not State.PRUNED or outcome.cause:
            return outcome.cause
        pruner = self._study.space.search.pruner
        assert pruner is not None, outcome
        return attempt.pruned_by(pruner.type, self._study.goal)


def died(cause: str, losses: int) -> str:
    """Return the cause of a trial that failed because its process died this often."""
    often = f", {losses} times" if losses > 1 else ""
    return f"{cause}{often}: out of memory, or a crash or an exit in what it calls?"
