"""One trial from its config to its outcome, reporting every epoch; and the engine that runs them in turn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

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

    @property
    def base(self) -> str:
        """The folder that own code is looked up from."""
        return self.job.base

    def at(self, device: torch.device, base: str) -> Serial:
        """The same on another device, with own code looked up from another folder."""
        return replace(self, job=self.job.at(device, base))

    def __call__(self, port: Port) -> None:
        """Train until the port has no more."""
        while (trial := port.take()) is not None:
            port.done(run_trial(self.job, trial, port, self.interval))


def run_trial(job: Job, trial: Trial, port: Port, interval: float) -> Outcome:
    """Train and score one trial. Whatever goes wrong in it is its outcome, not an exception.

    What the port raises is not the trial's fault and ends the run.
    """
    goal = job.scores.goal
    kept = _Kept(Best(goal), port, trial.number, interval)
    checkpoint = port.load(trial.number)
    try:
        config = Config.of(trial.values, job.base)
        run, trained = kept.begin(job, config, trial.seed, checkpoint)
        cost = _costs(job, run)
    except Exception as error:  # the trial's code may raise anything, and the study must go on
        return failed(trial, error)
    if not goal.feasible(cost):  # what a model costs stays as it is: no epoch would mend it
        broken = listing(str(bound) for bound in goal.bounds if goal.violations(cost).get(bound.metric, 0.0) > 0)
        return cut_short(trial, State.PRUNED, goal, cost, None, f"it cannot keep {broken}")
    epochs = epochs_of(run, job, trained + 1, config.training.epochs)
    while True:
        try:
            step = next(epochs, None)
        except Exception as error:  # likewise
            return failed(trial, error)
        if step is None:
            kept.end()
            return complete(trial, goal, kept.best.metrics, kept.best.epoch)
        epoch, scores, seconds = step
        metrics = {**scores, **cost}
        if reason := divergence(metrics, goal.names):
            return cut_short(trial, State.DIVERGED, goal, metrics, epoch, reason)
        kept.see(run, metrics, epoch)
        verdict = port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds))
        if verdict is Verdict.STOP:
            return cut_short(trial, State.PRUNED, goal, metrics, epoch)
        kept.save(run, epoch, at_once=verdict is Verdict.SUSPEND)
        if verdict is Verdict.SUSPEND:
            return cut_short(trial, State.SUSPENDED, goal, metrics, epoch)


class _Kept:
    """What outlives a trial that is cut short: its checkpoints, with the best epoch's metrics and weights in them."""

    def __init__(self, best: Best, port: Port, number: int, interval: float) -> None:
        self.best = best
        self._port = port
        self._number = number
        self._interval = interval
        self._weights: Weights | None = None
        self._saved = time.monotonic()
        self._is_long = False

    def begin(self, job: Job, config: Config, seed: int, checkpoint: bytes | None) -> tuple[Run, int]:
        """The run, and after which epoch it stands; one whose checkpoint cannot be read begins anew."""
        run = Run.build(job, config, seed)
        if checkpoint is None:
            return run, 0
        try:
            progress, self._weights = run.restore(checkpoint)
            self._is_long = True
            return run, self.best.restore(progress)
        except Exception as error:  # torch raises whatever a damaged archive leads it to
            warnings.warn(f"a checkpoint cannot be read ({error}): its trial begins anew", stacklevel=2)
            return Run.build(job, config, seed), 0

    def see(self, run: Run, metrics: Mapping[str, float], epoch: int) -> None:
        """Take an epoch into account."""
        if self.best.see(metrics, epoch):
            self._weights = run.weights()

    def save(self, run: Run, epoch: int, at_once: bool) -> None:
        """Keep a checkpoint when it is time."""
        if at_once or time.monotonic() - self._saved > self._interval:
            self._port.save(self._number, run.state(self.best.progress(epoch), self._weights), best=False)
            self._saved, self._is_long = time.monotonic(), True

    def end(self) -> None:
        """Keep the best epoch's weights of a trial that was long enough for checkpoints."""
        if self._is_long and self._weights is not None:
            state = saved({"progress": self.best.progress(self.best.epoch), "model": self._weights})
            self._port.save(self._number, state, best=True)


def _costs(job: Job, run: Run) -> Mapping[str, float]:
    """What the model costs, measured once: training changes its weights, and not their number or its speed."""
    if not set(job.scores.goal.names) & set(COSTS):
        return {}
    row, _ = next(iter(run.dataset.train.batches([torch.arange(1)], 0)))
    return costs.measure(job.scores.goal.names, run.model, row)
