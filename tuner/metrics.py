"""Metrics by torchmetrics, each over a whole split."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torchmetrics
import torchmetrics.classification
import torchmetrics.regression
from torch import Tensor
from torchmetrics import Metric, MetricCollection

from tuner import loss, own
from tuner.errors import BuildError, did_you_mean, listing
from tuner.goal import COSTS, DIRECTIONS, OF_TASK, Goal
from tuner.task import Task

_MODULES = {Task.CLASSIFICATION: torchmetrics.classification, Task.REGRESSION: torchmetrics.regression}


class Scores:
    """All metrics of a task, and those that a goal asks for besides.

    `objective` is the metric that a schedule may watch while training, and `direction` its direction: the
    first of the goal's that is scored after each epoch, else the loss.

    Args:
        task: decides which metrics there are.
        outputs: classes, or the width of a regression target.
        goal: besides our names it may name a class of torchmetrics.classification or
            torchmetrics.regression. What a model costs is not scored here.

    Raises:
        BuildError: a metric does not exist or does not fit the task.
    """

    def __init__(self, task: Task, outputs: int, goal: Goal) -> None:
        self.goal = goal
        self._loss = loss.plain(task)
        metrics = _classification(outputs) if task is Task.CLASSIFICATION else _regression()
        for name in goal.names:
            if name not in OF_TASK[task] and name not in COSTS:
                metrics[name] = _other(name, task, outputs, goal.path(name))
        self._metrics = MetricCollection(dict(metrics))
        pairs = zip(goal.metrics, goal.directions, strict=True)
        scored = (pair for pair in pairs if pair[0] not in COSTS)
        self.objective, self.direction = next(scored, ("loss", DIRECTIONS["loss"]))

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


def _other(name: str, task: Task, outputs: int, path: str) -> Metric:
    """A class of torchmetrics, told how many classes or outputs there are if it asks."""
    found = getattr(_MODULES[task], name, None)
    if name in DIRECTIONS or not (inspect.isclass(found) and issubclass(found, Metric)):
        known = (*OF_TASK[task], *COSTS)
        hint = did_you_mean(name, known)
        raise BuildError(path, f"{name} does not fit {task.value}{hint}: use {listing(known)}")
    sizes: Mapping[str, int] = {"num_classes": outputs, "num_outputs": outputs}
    takes = own.parameters_of(found)
    try:
        metric = found(**{key: size for key, size in sizes.items() if key in takes})
    except Exception as error:  # a constructor may raise anything for an argument that it lacks
        whole = f"Multiclass{name}"
        remedy = f": use {whole}" if hasattr(_MODULES[task], whole) else f": {error}"
        raise BuildError(path, f"{name} cannot be used as it is{remedy}") from None
    assert isinstance(metric, Metric)
    return metric
