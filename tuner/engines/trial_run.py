"""A trial run: one trial in training, from its first epoch or its checkpoint to its outcome.

The serial loop holds one, and each lane of the fused engine does. It reports each epoch, remembers the best one and
saves what must outlive a crash.
"""

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
from tuner.training import Job, Replicates, Run, Weights, costs, saved


class Holder(Protocol):
    """What holds the weights of a trial while it trains: its runs, or their lanes."""

    def weights(self) -> Weights:
        """Return a copy of the weights that are scored, on the CPU."""
        ...

    def state(self, progress: Mapping[str, float], best: Weights | None) -> bytes:
        """Return a checkpoint with `progress` and the weights of the best epoch in it."""
        ...


class TrialRun:
    """A trial in training.

    Args:
        job: of the study.
        trial: to be trained.
        port: to the driver.
        interval: maximum seconds between two checkpoints, at epoch ends.
        built: its runs, if they are built already and have not trained.

    Raises:
        Exception: whatever the trial's code raises.
    """

    def __init__(
        self, job: Job, trial: Trial, port: TrialPort, interval: float, built: Replicates | None = None
    ) -> None:
        self.trial = trial
        self.epoch = 0
        """The last epoch that it has trained."""
        self._job = job
        self._goal = job.scores.goal
        self._port = port
        self._interval = interval
        self._best = BestEpoch(self._goal)
        self._weights: Weights | None = None
        self._saved = time.monotonic()
        self._is_long = False
        checkpoint = port.load(trial.number)  # and from here on it prints
        self.replicates = built or self._build()
        if checkpoint is not None:
            self._restore(checkpoint)
        self.holder: Holder = self.replicates
        self._costs = _costs(job, self.replicates.first)

    def _build(self) -> Replicates:
        config = Config.of(self.trial.values, self._job.base)
        return Replicates.build(self._job, config, self.trial.seed, self.trial.fixed)

    def _restore(self, checkpoint: bytes) -> None:
        """Resume from a checkpoint; a trial whose checkpoint cannot be read starts again."""
        try:
            progress, self._weights = self.replicates.restore(checkpoint)
            self._is_long = True
            self.epoch = self._best.restore(progress)
        except Exception as error:  # torch raises whatever a damaged archive leads it to
            warnings.warn(f"a checkpoint cannot be read ({error}): its trial begins anew", stacklevel=2)
            self.replicates = self._build()

    @property
    def is_trained(self) -> bool:
        """Whether it has trained all of its epochs, or its objective has not improved for too long."""
        first = self.replicates.first
        return self.epoch == first.training.epochs or first.patience.over

    def broken_from_the_start(self) -> Outcome | None:
        """Return the outcome of a trial whose model costs too much, which no epoch would change."""
        if self._goal.feasible(self._costs):
            return None
        violations = self._goal.violations(self._costs)
        broken = [bound for bound in self._goal.bounds if violations.get(bound.metric, 0.0) > 0]
        costs = listing(f"{bound.metric} {rounded(self._costs[bound.metric])}" for bound in broken)
        cause = f"not trained: {costs} breaks the constraint {listing(map(str, broken))}"
        return interrupted(self.trial, State.PRUNED, self._goal, self._costs, None, cause)

    def after(self, epoch: int, scores: Mapping[str, float], seconds: float, lanes: int = 1) -> Outcome | None:
        """Report an epoch; return the trial's outcome if it ends here, also by a state that cannot be saved.

        Args:
            epoch: the number of the epoch.
            scores: its metrics.
            seconds: its time.
            lanes: the number of trials that trained together in it.
        """
        self.epoch = epoch
        trial, goal, metrics = self.trial, self._goal, {**scores, **self._costs}
        if reason := divergence(metrics, goal.names):
            return interrupted(trial, State.DIVERGED, goal, metrics, epoch - 1 or None, f"{reason} at epoch {epoch}")
        if self._best.see(metrics, epoch):
            try:
                self._weights = self.holder.weights()
            except Exception as error:  # a `state_dict` of user code may raise anything
                return failed(trial, error)
        verdict = self._port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds, lanes))
        if verdict is Verdict.STOP:
            return interrupted(trial, State.PRUNED, goal, metrics, epoch)
        if verdict is Verdict.SUSPEND or time.monotonic() - self._saved > self._interval:
            try:
                state = self.holder.state(self._best.progress(epoch), self._weights)
            except Exception as error:  # likewise
                return failed(trial, error)
            self._port.save(trial.number, state, best=False)
            self._saved, self._is_long = time.monotonic(), True
        return interrupted(trial, State.SUSPENDED, goal, metrics, epoch) if verdict is Verdict.SUSPEND else None

    def complete(self) -> Outcome:
        """Return the end of a trial that is trained; one long enough for checkpoints leaves its best weights."""
        if self._is_long and self._weights is not None:
            state = saved({"progress": self._best.progress(self._best.epoch), "model": self._weights})
            self._port.save(self.trial.number, state, best=True)
        return complete(self.trial, self._goal, self._best.metrics, self._best.epoch)


def _costs(job: Job, run: Run) -> Mapping[str, float]:
    """Measure the costs of the model once: training changes neither its size nor its speed."""
    if not set(job.scores.goal.names) & set(COSTS):
        return {}
    row, _ = next(iter(run.dataset.train.batches([torch.arange(1)], 0)))
    with run.autocast():
        return costs.measure(job.scores.goal.names, run.model, row)
