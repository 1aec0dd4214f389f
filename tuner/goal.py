"""The goal of a study: from what the file says of its objectives to metrics that each have a direction."""

from __future__ import annotations

from tuner.config import Direction, Goal, Objective, Task
from tuner.errors import BuildError, did_you_mean

DIRECTIONS = {
    "loss": Direction.MINIMIZE,
    "accuracy": Direction.MAXIMIZE,
    "precision": Direction.MAXIMIZE,
    "recall": Direction.MAXIMIZE,
    "f1": Direction.MAXIMIZE,
    "mse": Direction.MINIMIZE,
    "rmse": Direction.MINIMIZE,
    "mae": Direction.MINIMIZE,
    "r2": Direction.MAXIMIZE,
    "parameters": Direction.MINIMIZE,
    "latency": Direction.MINIMIZE,
}
"""The metrics that we know, and which way each gets better."""
COSTS = ("parameters", "latency")
"""What a model costs whatever the data: how many numbers are trained, and milliseconds for one row."""
OF_TASK = {
    Task.CLASSIFICATION: ("accuracy", "precision", "recall", "f1", "loss"),
    Task.REGRESSION: ("mse", "rmse", "mae", "r2", "loss"),
}
USUAL = {Task.CLASSIFICATION: "accuracy", Task.REGRESSION: "rmse"}


def goal_of(objective: Objective, task: Task | None) -> Goal:
    """The metrics that count, each with its direction.

    Args:
        objective: as the file says it.
        task: decides on the usual metric; None for a function of one's own, which names what it gives.

    Raises:
        BuildError: a metric lacks its direction, or has another of its own.
    """
    metrics = objective.metrics or (() if task is None else (USUAL[task],))
    given: tuple[Direction | None, ...] = objective.directions or (None,) * len(metrics)
    several = len(metrics) > 1
    directions = tuple(
        _direction(metric, direction, f"s.{i}" if several else "")
        for i, (metric, direction) in enumerate(zip(metrics, given, strict=True))
    )
    return Goal(metrics, directions, objective.scope, objective.bounds)


def _direction(metric: str, given: Direction | None, place: str) -> Direction:
    own = DIRECTIONS.get(metric)
    if own is not None and given not in (None, own):
        message = f"{metric} is there to {own.value}: say so, or drop the direction"
        raise BuildError(f"objective.direction{place}", message)
    direction = own or given
    if direction is None:
        message = f"say whether to minimize or maximize {metric}{did_you_mean(metric, DIRECTIONS)}"
        raise BuildError(f"objective.metric{place}", message)
    return direction
