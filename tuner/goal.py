"""The goal of a study: from what the file says of its objectives to metrics that each have a direction."""

from __future__ import annotations

from tuner.config import Direction, Goal, Objective, Task
from tuner.errors import BuildError

DIRECTIONS = {
    "loss": Direction.MINIMIZE,
    "accuracy": Direction.MAXIMIZE,
    "precision": Direction.MAXIMIZE,
    "recall": Direction.MAXIMIZE,
    "f1": Direction.MAXIMIZE,
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
    Task.REGRESSION: ("rmse", "mae", "r2", "loss"),
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
    pairs = enumerate(zip(metrics, given, strict=True))
    directions = tuple(
        _direction(metric, direction, f"objective.directions.{i}" if several else "objective.direction")
        for i, (metric, direction) in pairs
    )
    return Goal(metrics, directions, objective.scope, objective.bounds)


def _direction(metric: str, given: Direction | None, path: str) -> Direction:
    own = DIRECTIONS.get(metric)
    if own is not None and given not in (None, own):
        raise BuildError(path, f"{metric} is there to {own.value}: say so, or drop the direction")
    direction = own or given
    if direction is None:
        raise BuildError(path, f"say whether to minimize or maximize {metric}")
    return direction
