"""Metrics of torchmetrics by the names of their classes, each with its kind of inputs."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import torch
import torchmetrics.classification
import torchmetrics.regression
from torch import Tensor
from torchmetrics import Metric

from tuner import signatures
from tuner.errors import BuildError, listing
from tuner.goal import COSTS, DIRECTIONS, FURTHER_OF, OF_TASK, Direction, Task, meant
from tuner.training.further_metrics import Judged, matthews

_MODULES = {Task.CLASSIFICATION: torchmetrics.classification, Task.REGRESSION: torchmetrics.regression}

SHIFTED = (
    "ConcordanceCorrCoef", "ExplainedVariance", "KendallRankCorrCoef", "PearsonCorrCoef", "R2Score",
    "RelativeSquaredError", "SpearmanCorrCoef",
)  # fmt: skip
"""Metrics that are the same for standardised values, where torchmetrics would lose digits of raw ones."""


class Named:
    """A metric of torchmetrics, told what it asks for: the task, how many classes or outputs, the positive class.

    Args:
        name: a class of torchmetrics.classification or torchmetrics.regression. One that takes a `task`,
            such as AUROC, is binary for two classes.
        task: decides which of the two.
        classes: their names; for a regression those of the outputs.
        positive: the index of the positive class; a binary metric takes the last class without one.
        path: where the name stands in the config.

    Raises:
        BuildError: there is no such metric, or it does not fit.
    """

    def __init__(self, name: str, task: Task, classes: tuple[str, ...], positive: int | None, path: str) -> None:
        self._name = name
        self._path = path
        self._positive = len(classes) - 1 if positive is None else positive
        found = _class_of(name, task, path)
        asks_task = "task" in signatures.parameters_of(found)
        self._binary = name.startswith("Binary") or (asks_task and len(classes) == 2)
        if self._binary and len(classes) != 2:
            whole = name.replace("Binary", "Multiclass", 1)
            raise BuildError(path, f"{name} is for two classes, and the data have {len(classes)}: use {whole}")
        kind = {"task": "binary" if self._binary else "multiclass"} if asks_task else {}
        self._metric = _made(found, {**kind, "num_classes": len(classes), "num_outputs": len(classes)}, path)
        self._thresholded = "threshold" in signatures.parameters_of(type(self._metric))
        average = getattr(self._metric, "average", None)
        of = f"positive: {classes[self._positive]}" if self._binary else average if isinstance(average, str) else ""
        self.title = f"{name} ({of})" if of and task is Task.CLASSIFICATION else name

    def __call__(self, judged: Judged) -> float:
        """Score a model on a whole split.

        Raises:
            BuildError: the metric cannot take it, or gives more than one number.
        """
        if self._name.endswith("MatthewsCorrCoef"):
            return matthews(judged)
        predictions, truth = self._fed(judged)
        metric = self._metric.to(predictions.device)
        try:
            given = metric(predictions, truth)
        except Exception as error:  # a metric may raise anything for a split that it is not made for
            raise BuildError(self._path, f"{self._name} cannot score these predictions: {error}") from error
        finally:
            metric.reset()
        if not isinstance(given, Tensor) or given.numel() != 1:
            raise BuildError(self._path, f"{self._name} gives more than one number, by which trials cannot be compared")
        return float(given)

    def _fed(self, judged: Judged) -> tuple[Tensor, Tensor]:
        """Return the predictions and targets as the metric takes them, so that it applies no softmax."""
        if judged.scale is not None:
            pair = (
                (judged.outputs, judged.scale.exact(judged.targets))
                if self._name in SHIFTED
                else (judged.scale.undo(judged.outputs), judged.targets)
            )
            # one target is no row of one number: KendallRankCorrCoef fails on it, CosineSimilarity counts signs
            return pair if judged.targets.shape[1] > 1 else (pair[0].flatten(), pair[1].flatten())
        likely = judged.link.probabilities(judged.outputs)
        if likely is None and "Calibration" in self._name:
            raise BuildError(self._path, f"{self._name} needs probabilities, which a model has not of its loss")
        scores = _squashed(judged.link.ranks(judged.outputs)) if likely is None else likely
        if not self._binary:
            return scores, judged.targets
        truth = (judged.targets == self._positive).long()
        if self._thresholded:
            return (judged.outputs.argmax(1) == self._positive).long(), truth
        return scores[:, self._positive], truth


def direction_of(name: str, task: Task) -> Direction | None:
    """Return the direction of a metric of torchmetrics; None if torchmetrics does not state it."""
    for known in (name, f"Multiclass{name}", f"Binary{name}"):
        higher: Any = getattr(getattr(_MODULES[task], known, None), "higher_is_better", None)
        if isinstance(higher, bool):
            return Direction.MAXIMIZE if higher else Direction.MINIMIZE
    return None


def _class_of(name: str, task: Task, path: str) -> type[Metric]:
    found = getattr(_MODULES[task], name, None)
    if name in DIRECTIONS or not (inspect.isclass(found) and issubclass(found, Metric)):
        known = (*OF_TASK[task], *FURTHER_OF[task], *COSTS)
        hint = meant(name, known)
        raise BuildError(path, f"{name} does not fit {task.value}{hint}: use {listing(known)}")
    return found


def _made(found: type[Metric], sizes: dict[str, Any], path: str) -> Metric:
    takes = signatures.parameters_of(found)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Metric .* will save all", UserWarning)  # of one split, and then no more
            metric = found(**{key: size for key, size in sizes.items() if key in takes})
        assert isinstance(metric, Metric)
        return metric.set_dtype(torch.float64)
    except Exception as error:  # a constructor may raise anything for an argument that it lacks
        raise BuildError(path, f"{found.__name__} cannot be used as it is: {error}") from None


def _squashed(scores: Tensor) -> Tensor:
    """Return scores mapped to (0, 1) in the same order; a score of 0 maps to 0.5."""
    return (1 + scores / (1 + scores.abs())) / 2
