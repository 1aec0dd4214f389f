"""Recovery: what a driver does with trials that other drivers left running when they died."""

from __future__ import annotations

import collections
from collections.abc import Set

from optuna.trial import FrozenTrial

from tuner.optuna_internals import trial_id_of
from tuner.protocol import Outcome, State
from tuner.storage import DRIVER, readable_errors
from tuner.study.attempt import Attempt, stopped_at
from tuner.study.lost_trials import WITH_THE_RUN, has_begun, process_of
from tuner.study.outcome_writer import OutcomeWriter
from tuner.study.record import HISTORY
from tuner.study.running_trials import RunningTrials
from tuner.study.trial_queue import TrialQueue


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
            left = [trial for trial in others if trial.user_attrs.get(DRIVER, "") not in alive]
            processes = collections.Counter(process_of(trial) for trial in left if has_begun(trial))
            for trial in left:
                self._set_back(trial, company=processes[process_of(trial)] > 1)
        return len(left)

    def _set_back(self, trial: FrozenTrial, company: bool) -> None:
        trial_id, history = trial_id_of(trial), trial.system_attrs.get(HISTORY, {})
        if stopped_at(history) is None and not has_begun(trial):
            self._outcomes.wait(trial_id, {})
            return
        attempt = int(trial.user_attrs.get("attempt", 0))
        outcome = Outcome(trial.number, attempt, State.LOST, cause=WITH_THE_RUN, company=company)
        if self._outcomes.write(Attempt(trial_id, history, 0, attempt), outcome):
            self.lost.append(outcome)
