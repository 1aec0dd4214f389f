"""One trial from its config to its outcome, reporting every epoch; and the engine that runs them in turn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from typing import Protocol

import torch

from tuner.config import Config
from tuner.engines.outcomes import BestEpoch, complete, divergence, failed, interrupted
from tuner.errors import listing
from tuner.goal import COSTS
from tuner.protocol import Epoch, Outcome, State, Trial, TrialPort, Verdict
from tuner.runtime.rounding import rounded
from tuner.training import Job, Run, Weights, costs, epochs_of, saved


def run_trial(job: Job, trial: Trial, port: TrialPort, interval: float, built: Run | None = None) -> Outcome:
    """Train and score one trial. Whatever goes wrong in it is its outcome, not an exception.

    What the port raises is not the trial's fault and ends the run. `built` is the trial's run, where there is one.
    """
    course = Course(job, trial, port, interval)
    try:
        run, trained = course.begin(built)
    except BaseException as error:  # the trial's code may raise anything, and the study must go on
        return failed(trial, error)
    if broken := course.broken_from_the_start():
        return broken
    epochs = epochs_of(run, job, trained + 1, trial.epochs)
    while True:
        try:
            step = next(epochs, None)
        except BaseException as error:  # likewise
            return failed(trial, error)
        if step is None:
            return course.complete()
        if outcome := course.after(run, *step):
            return outcome


class Keepable(Protocol):
    """What trains a trial, as far as something of it is kept."""

    def weights(self) -> Weights:
        """A copy of the weights that are scored, on the CPU."""
        ...

    def state(self, progress: Mapping[str, float], best: Weights | None) -> bytes:
        """A checkpoint with `progress` and the weights of the best epoch in it."""
        ...


class Course:
    """A trial on its way: each epoch is reported and judged, and what must outlive a cut is kept.

    Args:
        job: of the study.
        trial: to be trained.
        port: to the driver.
        interval: at least so often, in seconds, there is a checkpoint.
    """

    def __init__(self, job: Job, trial: Trial, port: TrialPort, interval: float) -> None:
        self.trial = trial
        self._job = job
        self._goal = job.scores.goal
        self._port = port
        self._interval = interval
        self._best = BestEpoch(self._goal)
        self._cost: Mapping[str, float] = {}
        self._weights: Weights | None = None
        self._saved = time.monotonic()
        self._is_long = False

    def begin(self, built: Run | None = None) -> tuple[Run, int]:
        """The run, and after which epoch it stands; one whose checkpoint cannot be read begins anew.

        Args:
            built: the run, where it is built already and has not trained.

        Raises:
            Exception: whatever the trial's code raises.
        """
        checkpoint = self._port.load(self.trial.number)  # and from here on it prints
        run, trained = self._restored(built or self._build(), checkpoint)
        self._cost = _costs(self._job, run)
        return run, trained

    def _build(self) -> Run:
        config = Config.of(self.trial.values, self._job.base)
        return Run.build(self._job, config, self.trial.seed, self.trial.fixed)

    def _restored(self, run: Run, checkpoint: bytes | None) -> tuple[Run, int]:
        if checkpoint is None:
            return run, 0
        try:
            progress, self._weights = run.restore(checkpoint)
            self._is_long = True
            return run, self._best.restore(progress)
        except Exception as error:  # torch raises whatever a damaged archive leads it to
            warnings.warn(f"a checkpoint cannot be read ({error}): its trial begins anew", stacklevel=2)
            return self._build(), 0

    def broken_from_the_start(self) -> Outcome | None:
        """The end of a trial whose model costs too much: no epoch would mend that."""
        if self._goal.feasible(self._cost):
            return None
        violations = self._goal.violations(self._cost)
        broken = [bound for bound in self._goal.bounds if violations.get(bound.metric, 0.0) > 0]
        costs = listing(f"{bound.metric} {rounded(self._cost[bound.metric])}" for bound in broken)
        cause = f"not trained: {costs} breaks the constraint {listing(map(str, broken))}"
        return interrupted(self.trial, State.PRUNED, self._goal, self._cost, None, cause)

    def after(
        self, trained: Keepable, epoch: int, scores: Mapping[str, float], seconds: float, lanes: int = 1
    ) -> Outcome | None:
        """Report an epoch; how the trial ends by it, if it does: also by a state that cannot be kept."""
        trial, goal, metrics = self.trial, self._goal, {**scores, **self._cost}
        if reason := divergence(metrics, goal.names):
            return interrupted(trial, State.DIVERGED, goal, metrics, epoch - 1 or None, f"{reason} at epoch {epoch}")
        if self._best.see(metrics, epoch):
            try:
                self._weights = trained.weights()
            except Exception as error:  # a `state_dict` of user code may raise anything
                return failed(trial, error)
        verdict = self._port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds, lanes))
        if verdict is Verdict.STOP:
            return interrupted(trial, State.PRUNED, goal, metrics, epoch)
        if verdict is Verdict.SUSPEND or time.monotonic() - self._saved > self._interval:
            try:
                state = trained.state(self._best.progress(epoch), self._weights)
            except Exception as error:  # likewise
                return failed(trial, error)
            self._port.save(trial.number, state, best=False)
            self._saved, self._is_long = time.monotonic(), True
        return interrupted(trial, State.SUSPENDED, goal, metrics, epoch) if verdict is Verdict.SUSPEND else None

    def complete(self) -> Outcome:
        """The end of a trial that has trained all of its epochs; one long enough for checkpoints leaves its weights."""
        if self._is_long and self._weights is not None:
            state = saved({"progress": self._best.progress(self._best.epoch), "model": self._weights})
            self._port.save(self.trial.number, state, best=True)
        return complete(self.trial, self._goal, self._best.metrics, self._best.epoch)


def _costs(job: Job, run: Run) -> Mapping[str, float]:
    """What the model costs, measured once: training changes its weights, and not their number or its speed."""
    if not set(job.scores.goal.names) & set(COSTS):
        return {}
    row, _ = next(iter(run.dataset.train.batches([torch.arange(1)], 0)))
    with run.autocast():
        return costs.measure(job.scores.goal.names, run.model, row)
