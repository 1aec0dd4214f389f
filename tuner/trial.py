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
from tuner.training import Job, Run, Weights, epochs_of, saved


@dataclass(frozen=True, slots=True)
class Serial:
    """The engine that trains one trial after the other; picklable, so that any process may run it.

    A trial is checkpointed at an epoch's end, at least every `interval` seconds: shorter ones pay nothing
    and are simply run again.
    """

    job: Job
    interval: float

    def __call__(self, port: Port) -> None:
        """Train until the port has no more."""
        while (trial := port.take()) is not None:
            port.done(run_trial(self.job, trial, port, self.interval))


def run_trial(job: Job, trial: Trial, port: Port, interval: float) -> Outcome:
    """Train and score one trial. Whatever goes wrong in it is its outcome, not an exception.

    What the port raises is not the trial's fault and ends the run.
    """
    goal = job.scores.goal
    best = Best(goal)
    checkpoint = port.load(trial.number)
    try:
        config = Config.of(trial.values, job.base)
        run, trained, weights = _begin(job, config, trial.seed, best, checkpoint)
        cost = _costs(job, run)
    except Exception as error:  # the trial's code may raise anything, and the study must go on
        return failed(trial, error)
    if not goal.feasible(cost):  # what a model costs stays as it is: no epoch would mend it
        broken = listing(str(bound) for bound in goal.bounds if goal.violations(cost).get(bound.metric, 0.0) > 0)
        return cut_short(trial, State.PRUNED, goal, cost, None, f"it cannot keep {broken}")
    epochs = epochs_of(run, job, trained + 1, config.training.epochs)
    saved_at, is_long = time.monotonic(), trained > 0
    while True:
        try:
            step = next(epochs, None)
        except Exception as error:  # likewise
            return failed(trial, error)
        if step is None:
            if is_long and weights is not None:
                port.save(trial.number, saved({"progress": best.progress(best.epoch), "model": weights}), best=True)
            return complete(trial, goal, best.metrics, best.epoch)
        epoch, scores, seconds = step
        metrics = {**scores, **cost}
        if reason := divergence(metrics, goal.names):
            return cut_short(trial, State.DIVERGED, goal, metrics, epoch, reason)
        if best.see(metrics, epoch):
            weights = run.weights()
        verdict = port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds))
        if verdict is Verdict.STOP:
            return cut_short(trial, State.PRUNED, goal, metrics, epoch)
        if verdict is Verdict.SUSPEND or time.monotonic() - saved_at > interval:
            port.save(trial.number, run.state(best.progress(epoch), weights), best=False)
            saved_at, is_long = time.monotonic(), True
        if verdict is Verdict.SUSPEND:
            return cut_short(trial, State.SUSPENDED, goal, metrics, epoch)


def _begin(
    job: Job, config: Config, seed: int, best: Best, checkpoint: bytes | None
) -> tuple[Run, int, Weights | None]:
    """The run, after which epoch it stands, and the best weights; one with an unreadable checkpoint begins anew."""
    run = Run.build(job, config, seed)
    if checkpoint is None:
        return run, 0, None
    try:
        progress, weights = run.restore(checkpoint)
        return run, best.restore(progress), weights
    except Exception as error:  # torch raises whatever a damaged archive leads it to
        warnings.warn(f"a checkpoint cannot be read ({error}): its trial begins anew", stacklevel=2)
        return Run.build(job, config, seed), 0, None


def _costs(job: Job, run: Run) -> Mapping[str, float]:
    """What the model costs, measured once: training changes its weights, and not their number or its speed."""
    if not set(job.scores.goal.names) & set(COSTS):
        return {}
    row, _ = next(iter(run.dataset.train.batches([torch.arange(1)], 0)))
    return costs.measure(job.scores.goal.names, run.model, row)
