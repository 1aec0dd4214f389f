"""The end of a trial: the metrics of one of its epochs, or a failure."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tuner.errors import ends_the_run, in_words
from tuner.goal import Goal, Scope
from tuner.protocol import Outcome, State, Trial


@dataclass(slots=True)
class BestEpoch:
    """The epoch whose metrics are the trial's. An epoch within the bounds comes before one that breaks them."""

    goal: Goal
    metrics: Mapping[str, float] = field(default_factory=dict)
    epoch: int = 0

    def see(self, metrics: Mapping[str, float], epoch: int) -> bool:
        """Compare an epoch, and return whether it is now the best."""
        counts = not self.epoch or self.goal.scope is Scope.LAST or self._better(metrics)
        if counts:
            self.metrics, self.epoch = {name: metrics[name] for name in self.goal.names}, epoch
        return counts

    def _better(self, metrics: Mapping[str, float]) -> bool:
        fits, fitted = self.goal.feasible(metrics), self.goal.feasible(self.metrics)
        if fits != fitted:
            return fits
        return self.goal.direction.better(metrics[self.goal.metric], self.metrics[self.goal.metric])

    def progress(self, trained: int) -> dict[str, float]:
        """Return the progress that a checkpoint after epoch `trained` stores."""
        return {"trained": trained, "epoch": self.epoch, **self.metrics}

    def restore(self, progress: Mapping[str, float]) -> int:
        """Restore a checkpoint and return its last epoch."""
        self.metrics, self.epoch = {name: progress[name] for name in self.goal.names}, int(progress["epoch"])
        return int(progress["trained"])


def complete(trial: Trial, goal: Goal, metrics: Mapping[str, float], epoch: int | None) -> Outcome:
    """Return the outcome of a complete trial; its metrics are those of `epoch`."""
    values, violations = goal.values(metrics), goal.violations(metrics)
    return Outcome(trial.number, trial.attempt, State.COMPLETE, values, epoch, violations=violations)


def interrupted(
    trial: Trial, state: State, goal: Goal, metrics: Mapping[str, float], epoch: int | None, cause: str = ""
) -> Outcome:
    """Return the outcome of a trial that ended, or waits, after `epoch`, with the bounds that it broke.

    `epoch` None is before the first epoch.
    """
    return Outcome(trial.number, trial.attempt, state, (), epoch, cause, violations=goal.violations(metrics))


def failed(trial: Trial, error: BaseException) -> Outcome:
    """Return the outcome of a trial that ended by an exception, which is being handled.

    Raises:
        BaseException: the exception itself, if it must end the run.
    """
    if ends_the_run(error):
        raise error
    if is_out_of_memory(error):
        return Outcome(trial.number, trial.attempt, State.OUT_OF_MEMORY, cause=str(error).splitlines()[0])
    if _is_pruned(error):
        return Outcome(trial.number, trial.attempt, State.PRUNED, cause=f"its own code raised {in_words(error)}")
    told = traceback.format_exc()
    return Outcome(trial.number, trial.attempt, State.FAILED, cause=in_words(error), traceback=told)


def divergence(metrics: Mapping[str, float], names: Iterable[str]) -> str:
    """Return which of the losses and of `names` are not finite; empty when all are."""
    counting = ("train_loss", *names, "loss")
    broken = [name for name in counting if not math.isfinite(metrics.get(name, 0.0))]
    return " and ".join(f"{name} is {metrics[name]}" for name in dict.fromkeys(broken))


def _is_pruned(error: BaseException) -> bool:
    """Return whether an exception is Optuna's TrialPruned, which only user code can have imported here."""
    optuna = sys.modules.get("optuna")
    return optuna is not None and isinstance(error, optuna.TrialPruned)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, on a GPU or in the CPU's allocator, which raises a RuntimeError."""
    import torch  # the service has outcomes of remote workers, and no torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
