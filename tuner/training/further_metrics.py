"""Metrics that are scored only where a goal names them, of one model at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score
from torch import Tensor
from torch.nn import functional

from tuner.data.preprocessing.standardize import Scale
from tuner.training.link import Link

ZERO = float(np.finfo(np.float64).eps)
"""Scikit-learn's divisor of an error whose target is 0."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A model's outputs for a whole split, and the truth.

    `outputs`: float64 (N, outputs), as the model returns them. `targets`: int64 (N,), or float64 (N, outputs) in their
    own units. `scale` belongs to a regression. `link` and `positive`, a class index, belong to a classification.
    """

    outputs: Tensor
    targets: Tensor
    scale: Scale | None
    link: Link
    positive: int | None


def auc(judged: Judged) -> float:
    """Return the area under the ROC curve: of the positive class, or the mean of every class against the rest."""
    return _of_classes(judged, roc_auc_score)


def average_precision(judged: Judged) -> float:
    """Return the average precision: of the positive class, or the mean of every class against the rest."""
    return _of_classes(judged, average_precision_score)


def balanced_accuracy(judged: Judged) -> float:
    """Return the mean recall of the classes that have rows."""
    right = judged.outputs.argmax(1) == judged.targets
    rows, hits = (torch.bincount(of, minlength=len(judged.outputs.T)) for of in (judged.targets, judged.targets[right]))
    return float((hits[rows > 0] / rows[rows > 0].double()).mean())


def matthews(judged: Judged) -> float:
    """Return the Matthews correlation coefficient: 0 where one class is always given, as in scikit-learn.

    torchmetrics scores such a model up to 1, the more, the more uneven two classes are.
    """
    return float(matthews_corrcoef(judged.targets.cpu().numpy(), judged.outputs.argmax(1).cpu().numpy()))


def log_loss(judged: Judged) -> float:
    """Return the mean negative logarithm of the probability of the true class."""
    return float(functional.cross_entropy(judged.outputs, judged.targets))


def mape(judged: Judged) -> float:
    """Return the mean of |error / target|, a share; the error of a target of 0 is divided by 2.2e-16."""
    assert judged.scale is not None
    off = (judged.outputs - judged.scale.exact(judged.targets)).abs() * judged.scale.std
    size = judged.targets.abs()
    return float((off / torch.where(size > 0, size, ZERO)).mean())


FURTHER: Mapping[str, Callable[[Judged], float]] = {
    "auc": auc,
    "roc_auc": auc,
    "average_precision": average_precision,
    "pr_auc": average_precision,
    "balanced_accuracy": balanced_accuracy,
    "log_loss": log_loss,
    "mape": mape,
}
"""The metrics by the names that a goal may use."""

NEEDS_SOFTMAX = ("log_loss",)
"""Metrics that need probabilities with sum 1."""


def _of_classes(judged: Judged, area: Callable[[Any, Any], float]) -> float:
    """Return the positive class's area, or the mean over classes with some but not all rows; else NaN."""
    ranks = judged.link.ranks(judged.outputs).cpu().numpy()
    truth = judged.targets.cpu().numpy()
    classes: Sequence[int] = range(ranks.shape[1]) if judged.positive is None else [judged.positive]
    here = [(truth == each, ranks[:, each]) for each in classes]
    areas = [float(area(true, rank)) for true, rank in here if 0 < true.sum() < len(true)]
    return float(np.mean(areas)) if areas else float("nan")
