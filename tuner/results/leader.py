"""Whether a trial that still runs is better than every one that has ended, as its epochs tell so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from tuner.goal import Direction, Goal, Scope


class Standing(Protocol):
    """What has a value so far, or None."""

    @property
    def value(self) -> float | None:
        """Of the one objective."""
        ...


S = TypeVar("S", bound=Standing)


def value_after(goal: Goal, value: float | None, metrics: Mapping[str, float]) -> float | None:
    """The value that a trial has with one more epoch, if it ended there.

    Args:
        goal: of any number of objectives; with several there is no one value.
        value: before that epoch; None without one.
        metrics: of the epoch; one that breaks a bound, or whose metric is not there or no number, counts for nothing.
    """
    new = metrics.get(goal.metric, math.nan)
    if not goal.single or not math.isfinite(new) or not goal.feasible(metrics):
        return value
    if value is None or goal.scope is Scope.LAST or goal.direction.better(new, value):
        return new
    return value


def leader_of(running: Iterable[S], best: float | None, direction: Direction) -> S | None:
    """The running trial that is better than `best`, the value of the best that has ended; None where none is."""
    leader: S | None = None
    for one in running:
        if one.value is not None and (best is None or direction.better(one.value, best)):
            leader, best = one, one.value
    return leader
