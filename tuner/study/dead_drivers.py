"""Recovery: what a driver does with trials that other drivers left running when they died."""

from __future__ import annotations

import collections
from collections.abc import Set

from optuna.trial import FrozenTrial

from tuner.optuna_internals import trial_id_of
from tuner.protocol import Outcome, State
from tuner.storage import readable_errors
from tuner.study.attempt import Attempt, stopped_at
from tuner.study.outcome_writer import OutcomeWriter
from tuner.study.running_trials import RunningTrials
from tuner.study.trial_attributes import TrialAttributes, attributes_of
from tuner.study.trial_queue import TrialQueue

WITH_THE_RUN = "its process died, and the run with it"


class Recovery:
    """Sets back the trials of dead drivers.

    Args:
        queue: of the study.
        own: the trials of this driver, which are left alone.
        outcomes: writes how trials ended.
    """

    def __init__(self, queue: TrialQueue, own: RunningTrials, outcomes: OutcomeWriter) -> None:
        self._queue = queue
        self._own = own
        self._outcomes = outcomes
        self.lost: list[Outcome] = []
        """The trials that have failed because they lost too many attempts."""

    def recover(self, alive: Set[str]) -> int:
        """Set back each trial that a dead driver left running; return how many there were.

        A trial whose code had begun has lost an attempt.

        Args:
            alive: the other drivers, whose trials may run.
        """
        with readable_errors():
            others = [trial for trial in self._queue.running() if trial.number not in self._own]
            left = [(trial, found) for trial in others if ((found := attributes_of(trial)).driver or "") not in alive]
            processes = collections.Counter(found.process for _, found in left if found.has_begun)
            for trial, found in left:
                self._set_back(trial, found, company=processes[found.process] > 1)
        return len(left)

    def _set_back(self, trial: FrozenTrial, found: TrialAttributes, company: bool) -> None:
        trial_id, history = trial_id_of(trial), dict(found.history or {})
        if stopped_at(history) is None and not found.has_begun:
            self._outcomes.wait(trial_id, TrialAttributes())
            return
        attempt = found.attempt or 0
        outcome = Outcome(trial.number, attempt, State.LOST, cause=WITH_THE_RUN, company=company)
        if self._outcomes.write(Attempt(trial_id, history, 0, attempt), outcome):
            self.lost.append(outcome)
