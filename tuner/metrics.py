"""What trials are scored by: the usual metrics of their task, and any of torchmetrics, over a whole split."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torch
import torchmetrics.classification
import torchmetrics.regression
from torch import Tensor
from torchmetrics import Metric

from tuner import own
from tuner.errors import BuildError, did_you_mean, listing
from tuner.goal import COSTS, DIRECTIONS, OF_TASK, Goal
from tuner.measures import usual as usual_metrics
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
        self._task = task
        wanted = [name for name in goal.names if name not in OF_TASK[task] and name not in COSTS]
        self._others = {name: _other(name, task, outputs, goal.path(name)) for name in wanted}
        pairs = zip(goal.metrics, goal.directions, strict=True)
        scored = (pair for pair in pairs if pair[0] not in COSTS)
        self.objective, self.direction = next(scored, ("loss", DIRECTIONS["loss"]))

    def __call__(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        """Score a model on a whole split.

        Args:
            outputs: float32 (N, outputs), as the model gives them.
            targets: int64 (N,) class indices or float32 (N, outputs).

        Returns:
            Every metric by name; see `measures.usual`.
        """
        return self.of_several(outputs[None], targets)[0]

    def of_several(self, outputs: Tensor, targets: Tensor) -> list[dict[str, float]]:
        """Score K models, whose outputs are (K, N, outputs), on the same whole split."""
        usual = usual_metrics(self._task, outputs, targets)
        rows = torch.stack(list(usual.values()), 1).tolist()
        scores = [dict(zip(usual, map(_significant, row), strict=True)) for row in rows]
        for name, metric in self._others.items():
            for model, found in zip(scores, outputs, strict=True):
                model[name] = _significant(float(metric.to(found.device)(found, targets)))
                metric.reset()
        return scores


def _significant(value: float) -> float:
    """The seven digits that a float32 holds; the rest is noise, such as an f1 of 1.0000001."""
    return float(f"{value:.7g}")


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
