"""One trial from its config to its outcome, reporting every epoch; and the engine that runs them in turn."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from tuner.config import Direction, Engine, Epoch, Outcome, Port, Scope, State, Trial, Verdict
from tuner.training import Job, Run, epochs_of

CHECKPOINT_SECONDS = 10.0
"""Trials shorter than this pay nothing for checkpoints and are simply run again."""


@dataclass(slots=True)
class Best:
    """The epoch whose value is the trial's."""

    direction: Direction
    scope: Scope
    value: float = math.nan
    epoch: int = 0

    def see(self, value: float, epoch: int) -> None:
        """Take an epoch into account."""
        if not self.epoch or self.scope is Scope.LAST or self.direction.better(value, self.value):
            self.value, self.epoch = value, epoch

    def progress(self, trained: int) -> dict[str, float]:
        """What a checkpoint taken after epoch `trained` must know."""
        return {"trained": trained, "value": self.value, "epoch": self.epoch}

    def restore(self, progress: Mapping[str, float]) -> int:
        """Go back to a checkpoint and say after which epoch it was taken."""
        self.value, self.epoch = progress["value"], int(progress["epoch"])
        return int(progress["trained"])


def serial(job: Job) -> Engine:
    """The engine that trains one trial after the other."""

    def engine(port: Port) -> None:
        while (trial := port.take()) is not None:
            port.done(run_trial(job, trial, port))

    return engine


def run_trial(job: Job, trial: Trial, port: Port) -> Outcome:
    """Train and score one trial. Whatever goes wrong in it is its outcome, not an exception.

    What the port raises is not the trial's fault and ends the run.
    """
    best = Best(job.scores.direction, trial.config.scope)
    checkpoint = port.load(trial.number)
    try:
        run, trained = _begin(job, trial, best, checkpoint)
    except Exception as error:  # the trial's code may raise anything, and the study must go on
        return _failure(trial, error)
    epochs = epochs_of(run, job, trained + 1, trial.config.training.epochs)
    saved = time.monotonic()
    while True:
        try:
            step = next(epochs, None)
        except Exception as error:  # likewise
            return _failure(trial, error)
        if step is None:
            return Outcome(trial.number, trial.attempt, State.COMPLETE, (best.value,), best.epoch)
        epoch, metrics, seconds = step
        if reason := _divergence(metrics, job.scores.objective):
            return Outcome(trial.number, trial.attempt, State.DIVERGED, epoch=epoch, cause=reason)
        best.see(metrics[job.scores.objective], epoch)
        verdict = port.report(Epoch(trial.number, trial.attempt, epoch, metrics, seconds))
        if verdict is Verdict.STOP:
            return Outcome(trial.number, trial.attempt, State.PRUNED, epoch=epoch)
        if verdict is Verdict.SUSPEND or time.monotonic() - saved > CHECKPOINT_SECONDS:
            port.save(trial.number, run.state(best.progress(epoch)))
            saved = time.monotonic()
        if verdict is Verdict.SUSPEND:
            return Outcome(trial.number, trial.attempt, State.SUSPENDED, epoch=epoch)


def _begin(job: Job, trial: Trial, best: Best, checkpoint: bytes | None) -> tuple[Run, int]:
    """The run, and after which epoch it stands; one whose checkpoint cannot be read begins anew."""
    run = Run.build(job, trial.config, trial.seed)
    if checkpoint is None:
        return run, 0
    try:
        return run, best.restore(run.restore(checkpoint))
    except Exception:  # torch raises whatever a damaged archive leads it to
        return Run.build(job, trial.config, trial.seed), 0


def _failure(trial: Trial, error: Exception) -> Outcome:
    if _is_out_of_memory(error):
        return Outcome(trial.number, trial.attempt, State.OUT_OF_MEMORY, cause=str(error).splitlines()[0])
    cause = f"{type(error).__name__}: {error}"
    return Outcome(trial.number, trial.attempt, State.FAILED, cause=cause, traceback=traceback.format_exc())


def _divergence(metrics: Mapping[str, float], objective: str) -> str:
    """What of an epoch is not a finite number; empty when all that counts is."""
    broken = [name for name in ("train_loss", objective, "loss") if not math.isfinite(metrics.get(name, 0.0))]
    return " and ".join(f"{name} is {metrics[name]}" for name in dict.fromkeys(broken))


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, on a GPU or in the CPU's allocator, which raises a plain RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
