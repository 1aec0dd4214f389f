"""The leader: a running trial that is better so far than every ended trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from tuner.goal import Direction, Goal, Scope


class Standing(Protocol):
    """An object with a value so far, or None."""

    @property
    def value(self) -> float | None:
        """The value of the one objective."""
        ...


S = TypeVar("S", bound=Standing)


def value_after(goal: Goal, value: float | None, metrics: Mapping[str, float]) -> float | None:
    """Return the value of a trial after one more epoch, if it ended there.

    Args:
        goal: a goal of any number of objectives; with several the value does not change.
        value: the value before that epoch; None without one.
        metrics: the metrics of the epoch. They are ignored if they break a bound, or the metric is not finite.
    """
    new = metrics.get(goal.metric, math.nan)
    if not goal.single or not math.isfinite(new) or not goal.feasible(metrics):
        return value
    if value is None or goal.scope is Scope.LAST or goal.direction.better(new, value):
        return new
    return value


def leader_of(running: Iterable[S], best: float | None, direction: Direction) -> S | None:
    """Return the running trial that is better than `best`, the best ended value; None if there is none."""
    leader: S | None = None
    for one in running:
        if one.value is not None and (best is None or direction.better(one.value, best)):
            leader, best = one, one.value
    return leader
