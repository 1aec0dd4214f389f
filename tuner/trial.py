"""One trial from its config to its outcome, reporting every epoch; and the engine that runs them in turn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from tuner import costs
from tuner.config import Config
from tuner.endings import Best, complete, cut_short, divergence, failed
from tuner.errors import listing
from tuner.goal import COSTS
from tuner.port import Epoch, Outcome, Port, State, Trial, Verdict
from tuner.training import Job, Run, epochs_of

CHECKPOINT_SECONDS = 10.0
"""Trials shorter than this pay nothing for checkpoints and are simply run again."""


@dataclass(frozen=True, slots=True)
class Serial:
    """The engine that trains one trial after the other; picklable, so that any process may run it."""

    job: Job

    def __call__(self, port: Port) -> None:
        """Train until the port has no more."""
        while (trial := port.take()) is not None:
            port.done(run_trial(self.job, trial, port))


def run_trial(job: Job, trial: Trial, port: Port) -> Outcome:
    """Train and score one trial. Whatever goes wrong in it is its outcome, not an exception.

    What the port raises is not the trial's fault and ends the run.
    """
    goal = job.scores.goal
    best = Best(goal)
    checkpoint = port.load(trial.number)
    try:
        config = Config.of(trial.values, job.base)
        run, trained = _begin(job, config, trial.seed, best, checkpoint)
        cost = _costs(job, run)
    except Exception as error:  # the trial's code may raise anything, and the study must go on
        return failed(trial, error)
    if not goal.feasible(cost):  # what a model costs stays as it is: no epoch would mend it
        broken = listing(str(bound) for bound in goal.bounds if goal.violations(cost).get(bound.metric, 0.0) > 0)
        return cut_short(trial, State.PRUNED, goal, cost, None, f"it cannot keep {broken}")
    epochs = epochs_of(run, job, trained + 1, config.training.epochs)
    saved = time.monotonic()
    while True:
        try:
            step = next(epochs, None)
        except Exception as error:  # likewise
            return failed(trial, error)
        if step is None:
            return complete(trial, goal, best.metrics, best.epoch)
        epoch, scores, seconds = step
        metrics = {**scores, **cost}
        if reason := divergence(metrics, goal.names):
            return cut_short(trial, State.DIVERGED, goal, metrics, epoch, reason)
        best.see(metrics, epoch)
        verdict = port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds))
        if verdict is Verdict.STOP:
            return cut_short(trial, State.PRUNED, goal, metrics, epoch)
        if verdict is Verdict.SUSPEND or time.monotonic() - saved > CHECKPOINT_SECONDS:
            port.save(trial.number, run.state(best.progress(epoch)))
            saved = time.monotonic()
        if verdict is Verdict.SUSPEND:
            return cut_short(trial, State.SUSPENDED, goal, metrics, epoch)


def _begin(job: Job, config: Config, seed: int, best: Best, checkpoint: bytes | None) -> tuple[Run, int]:
    """The run, and after which epoch it stands; one whose checkpoint cannot be read begins anew."""
    run = Run.build(job, config, seed)
    if checkpoint is None:
        return run, 0
    try:
        return run, best.restore(run.restore(checkpoint))
    except Exception as error:  # torch raises whatever a damaged archive leads it to
        warnings.warn(f"a checkpoint cannot be read ({error}): its trial begins anew", stacklevel=2)
        return Run.build(job, config, seed), 0


def _costs(job: Job, run: Run) -> Mapping[str, float]:
    """What the model costs, measured once: training changes its weights, and not their number or its speed."""
    if not set(job.scores.goal.names) & set(COSTS):
        return {}
    row, _ = next(iter(run.dataset.train.batches([torch.arange(1)], 0)))
    return costs.measure(job.scores.goal.names, run.model, row)
