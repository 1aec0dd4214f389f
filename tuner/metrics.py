"""Metrics by torchmetrics, each over a whole split, and which way each gets better."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torchmetrics
import torchmetrics.classification
import torchmetrics.regression
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from tuner import loss, own
from tuner.config import Direction, Task
from tuner.errors import BuildError, did_you_mean, listing

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
}
OF_TASK = {
    Task.CLASSIFICATION: ("accuracy", "precision", "recall", "f1", "loss"),
    Task.REGRESSION: ("mse", "rmse", "mae", "r2", "loss"),
}
USUAL = {Task.CLASSIFICATION: "accuracy", Task.REGRESSION: "rmse"}
_MODULES = {Task.CLASSIFICATION: torchmetrics.classification, Task.REGRESSION: torchmetrics.regression}


class Scores:
    """All metrics of a task, and the one that counts.

    Args:
        task: decides which metrics there are.
        outputs: classes, or the width of a regression target.
        metric: the objective; None is the task's usual one. Besides our names, a class of
            torchmetrics.classification or torchmetrics.regression, which then needs a direction.
        direction: must agree with a metric of ours; None is the metric's own.

    Raises:
        BuildError: the metric does not exist, does not fit the task, or lacks its direction.
    """

    def __init__(self, task: Task, outputs: int, metric: str | None, direction: Direction | None) -> None:
        self.objective = metric or USUAL[task]
        self._loss = loss.plain(task)
        metrics = _classification(outputs) if task is Task.CLASSIFICATION else _regression()
        if self.objective not in OF_TASK[task]:
            metrics[self.objective] = _other(self.objective, task, outputs)
        self.direction = _direction(self.objective, direction)
        self._metrics = MetricCollection(dict(metrics))

    def __call__(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Score a whole split at once.

        Args:
            outputs: float32 (N, outputs), as the model gives them.
            targets: int64 (N,) class indices or float32 (N, outputs).

        Returns:
            Every metric by name, `loss` the plain task loss. Precision, recall and f1 are macro
            averages; classes are weighed alike.
        """
        self._metrics.to(outputs.device)
        self._metrics.reset()  # first, for a split before may have failed half-way
        self._metrics.update(outputs, targets)
        scores = {**self._metrics.compute(), "loss": self._loss(outputs, targets)}
        return {name: _significant(float(value)) for name, value in scores.items()}


def _significant(value: float) -> float:
    """The seven digits that a float32 holds; the rest is noise, such as an f1 of 1.0000001."""
    return float(f"{value:.7g}")


def _direction(metric: str, given: Direction | None) -> Direction:
    own = DIRECTIONS.get(metric)
    if own is None and given is None:
        raise BuildError("objective.direction", f"say whether to minimize or maximize {metric}")
    if own is not None and given not in (None, own):
        raise BuildError("objective.direction", f"{metric} is there to {own.value}: drop the direction")
    direction = own or given
    assert direction is not None
    return direction


def _classification(classes: int) -> dict[str, Metric]:
    return {
        "accuracy": torchmetrics.classification.MulticlassAccuracy(classes, average="micro", validate_args=False),
        "precision": torchmetrics.classification.MulticlassPrecision(classes, validate_args=False),
        "recall": torchmetrics.classification.MulticlassRecall(classes, validate_args=False),
        "f1": torchmetrics.classification.MulticlassF1Score(classes, validate_args=False),
    }


def _regression() -> dict[str, Metric]:
    return {
        "mse": torchmetrics.regression.MeanSquaredError(),
        "rmse": torchmetrics.regression.MeanSquaredError(squared=False),
        "mae": torchmetrics.regression.MeanAbsoluteError(),
        "r2": torchmetrics.regression.R2Score(),
    }


def _other(name: str, task: Task, outputs: int) -> Metric:
    """A class of torchmetrics, told how many classes or outputs there are if it asks."""
    found = getattr(_MODULES[task], name, None)
    if name in DIRECTIONS or not (inspect.isclass(found) and issubclass(found, Metric)):
        hint = did_you_mean(name, OF_TASK[task])
        raise BuildError("objective.metric", f"{name} does not fit {task.value}{hint}: use {listing(OF_TASK[task])}")
    sizes: Mapping[str, int] = {"num_classes": outputs, "num_outputs": outputs}
    takes = own.parameters_of(found)
    try:
        metric = found(**{key: size for key, size in sizes.items() if key in takes})
    except Exception as error:  # a constructor may raise anything for an argument that it lacks
        raise BuildError("objective.metric", f"{name} cannot be used as it is: {error}") from None
    assert isinstance(metric, Metric)
    return metric
