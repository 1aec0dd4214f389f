"""An attempt at a trial: its driver's state while it runs, and the facts that are written at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tuner.goal import Goal
from tuner.optuna_internals import CONSTRAINTS_KEY
from tuner.protocol import Epoch, Outcome, State, Trial
from tuner.runtime.rounding import rounded
from tuner.study.record import STOPPED
from tuner.study.trial_attributes import attributes_of

TOLD_AS = {
    State.COMPLETE: TrialState.COMPLETE,
    State.PRUNED: TrialState.PRUNED,
    State.DIVERGED: TrialState.PRUNED,  # a sampler learns from PRUNED and ignores FAIL
    State.OUT_OF_MEMORY: TrialState.PRUNED,
    State.TIMED_OUT: TrialState.PRUNED,
    State.FAILED: TrialState.FAIL,
    State.LOST: TrialState.FAIL,
}
"""Optuna's state for each end."""

History = dict[str, list[float]]
"""One list for each metric, with an entry for each epoch."""


@dataclass(slots=True)
class Attempt:
    """A trial that was asked for, by its id in the database.

    `judged` is the last epoch that the pruner has judged, in any attempt. `lanes` is the largest number of trials that
    it trained with as one program, itself included, in any attempt. `last` is its final epoch, if that is known.
    `losses` counts the attempts that were lost with their process. `worker` is the current worker. `spared` is whether
    the pruner does not judge it, because it was retried after it had been pruned. `reopened` is the number of attempts
    before it was retried, 0 if it never was.
    """

    id: int
    history: History
    judged: int
    attempt: int
    lanes: int = 1
    last: int | None = None
    losses: int = 0
    worker: str = ""
    begun: bool = False
    spared: bool = False
    reopened: int = 0

    @classmethod
    def of(cls, trial_id: int, trial: Trial, found: FrozenTrial, last: int | None) -> Attempt:
        """Return the attempt at a trial.

        Args:
            trial_id: in the storage.
            trial: as it was asked for.
            found: has what earlier attempts left.
            last: the epoch at which it is trained to its end, if that is known.
        """
        known = attributes_of(found)
        return cls(
            trial_id,
            dict(known.history or {}),
            judged=known.judged or 0,
            attempt=trial.attempt,
            lanes=known.lanes or 1,
            last=last,
            losses=known.losses or 0,
        )

    @property
    def stopped_at(self) -> int | None:
        """The epoch at which the pruner stopped the trial."""
        return stopped_at(self.history)

    def history_with(self, epoch: Epoch, stop: bool) -> History:
        """Return the history up to an epoch; later reports of an earlier attempt do not count."""
        facts = {"epoch": epoch.epoch, **epoch.metrics, "seconds": epoch.seconds, STOPPED: int(stop)}
        kept = sum(number < epoch.epoch for number in self.history.get("epoch", []))
        return {name: [*self.history.get(name, [])[:kept], fact] for name, fact in facts.items()}

    def pruned(self, outcome: Outcome, epoch: int, goal: Goal) -> Outcome:
        """Return the outcome of a trial that was stopped at an epoch, in place of its own `outcome`."""
        at = self.history["epoch"].index(epoch)
        violations = goal.violations({name: self.history[name][at] for name in goal.names})
        return Outcome(outcome.trial, outcome.attempt, State.PRUNED, epoch=epoch, violations=violations)

    def pruned_by(self, pruner: str, goal: Goal) -> str:
        """Return why a pruner has stopped the trial."""
        at = self.history[STOPPED].index(1)
        value = rounded(self.history[goal.metric][at])
        return f"{pruner} at epoch {self.history['epoch'][at]}, {goal.title} {value}"


def stopped_at(history: Mapping[str, list[float]]) -> int | None:
    """Return the epoch at which the pruner stopped a trial with this history."""
    stops = history.get(STOPPED, [])
    return int(history["epoch"][stops.index(1)]) if 1 in stops else None


def constraints(violations: Mapping[str, float]) -> dict[str, Any]:
    """Return violations by name, as `Trial.set_constraint` writes them, and as a list for dashboards up to 0.21."""
    named = {f"{CONSTRAINTS_KEY}:{name}": violation for name, violation in violations.items()}
    return {**named, CONSTRAINTS_KEY: list(violations.values())} if violations else {}


def epochs_of(number: int, history: Mapping[str, Sequence[float]]) -> tuple[Epoch, ...]:
    """Return the epochs of a history, with the metrics that all epochs have."""
    epochs = history.get("epoch", [])
    metrics = history.keys() - {"epoch", "seconds", STOPPED}
    names = [name for name in history if name in metrics and len(history[name]) == len(epochs)]
    return tuple(
        Epoch(number, 0, int(epoch), {name: history[name][i] for name in names}, history["seconds"][i])
        for i, epoch in enumerate(epochs)
    )
