"""One trial from its config to its outcome, trained by itself and reporting every epoch."""

from __future__ import annotations

from tuner.engines.outcomes import failed
from tuner.engines.trial_run import TrialRun
from tuner.protocol import Outcome, Trial, TrialPort
from tuner.training import Job, Replicates, epochs_of


def run_trial(job: Job, trial: Trial, port: TrialPort, interval: float, built: Replicates | None = None) -> Outcome:
    """Train and score one trial. Any failure in it is its outcome, not an exception.

    Exceptions of the port are not the trial's fault and end the run. `built` are the trial's runs, if they exist.
    """
    try:
        training = TrialRun(job, trial, port, interval, built)
    except BaseException as error:  # the trial's code may raise anything, and the study must go on
        return failed(trial, error)
    if broken := training.broken_from_the_start():
        return broken
    epochs = epochs_of(training.replicates.runs, job, training.epoch + 1, trial.epochs)
    while True:
        try:
            step = next(epochs, None)
        except BaseException as error:  # likewise
            return failed(trial, error)
        if step is None:
            return training.complete()
        if outcome := training.after(*step):
            return outcome
