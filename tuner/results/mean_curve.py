"""Curves: the values of runs of one config on several seeds by epoch, and the epoch of the best mean."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuner.goal import Direction, Goal, Scope
from tuner.results.racing import Curve, best_epoch
from tuner.study import Record


@dataclass(frozen=True, slots=True)
class Curves:
    """The runs of one candidate, in the order of their seeds.

    `curves` has one for each of `records`: its values at `epochs`, higher is better, -inf if a bound is broken. Without
    `epochs` each run has a single value.
    """

    records: tuple[Record, ...]
    epochs: tuple[int, ...]
    curves: tuple[Curve, ...]

    @property
    def fits(self) -> bool:
        """Whether all runs keep the bounds at one epoch at least."""
        return best_epoch(self.curves) is not None

    @property
    def epoch(self) -> int | None:
        """The epoch of the best mean over the runs; None without runs, or if each has a single value."""
        place = best_epoch(self.curves) if self.epochs else None
        return None if place is None else self.epochs[place]

    @property
    def median(self) -> Record | None:
        """The run with the median value at that epoch, the lower of two; None without such an epoch."""
        if (place := best_epoch(self.curves)) is None:
            return None
        values = [curve[place] for curve in self.curves]
        return self.records[values.index(statistics.median_low(values))]


def are_comparable(goal: Goal, groups: Iterable[Sequence[Record]]) -> bool:
    """Return whether runs can be compared epoch by epoch; runs of a function may not.

    All runs of a group must have the same epochs. The value of each must be one of its curve, chosen by `goal.scope`.
    """
    for records in groups:
        if len({tuple(record.epochs) for record in records}) > 1:
            return False
        if not all(_is_of_its_curve(goal, record) for record in records):
            return False
    return True


def curves_of(goal: Goal, records: Sequence[Record], by_epoch: bool) -> Curves:
    """Return the curves of complete runs of one candidate.

    Args:
        goal: one metric, which the runs have at each epoch.
        records: in the order of their seeds; of the same epochs where they go by epochs.
        by_epoch: whether they are compared epoch by epoch, or each by its own value.
    """
    sign = 1 if goal.direction is Direction.MAXIMIZE else -1
    if not by_epoch:
        own = [record.value if record.feasible and record.value is not None else None for record in records]
        return Curves(tuple(records), (), tuple((-math.inf if each is None else sign * each,) for each in own))
    shared = min((tuple(record.epochs) for record in records), key=len, default=())
    epochs = shared[-1:] if goal.scope is Scope.LAST else shared
    curves = [tuple(_signed(sign, value_at(goal, record, epoch)) for epoch in epochs) for record in records]
    return Curves(tuple(records), epochs, tuple(curves))


def value_at(goal: Goal, record: Record, epoch: int) -> float | None:
    """Return the objective of a run at an epoch; None without that epoch, or if it breaks a bound there."""
    if epoch not in record.epochs:
        return None
    metrics = metrics_at(record, epoch)
    return metrics[goal.metric] if goal.feasible(metrics) else None


def metrics_at(record: Record, epoch: int) -> Mapping[str, float]:
    """Return all metrics of a run at one of its epochs."""
    at = record.epochs.index(epoch)
    return {name: values[at] for name, values in record.history.items()}


def _signed(sign: int, value: float | None) -> float:
    return -math.inf if value is None else sign * value


def _is_of_its_curve(goal: Goal, record: Record) -> bool:
    """Return whether a value is the one that `scope` chooses from the reported epochs; a function's may differ."""
    if record.epoch is None or record.epoch not in record.epochs or record.value is None:
        return False
    curve = [metrics_at(record, epoch) for epoch in record.epochs]
    if metrics_at(record, record.epoch)[goal.metric] != record.value:
        return False
    if goal.scope is Scope.LAST:
        return record.epoch == record.epochs[-1]
    fitting = [metrics for metrics in curve if goal.feasible(metrics)] or curve
    return not any(goal.direction.better(metrics[goal.metric], record.value) for metrics in fitting)
