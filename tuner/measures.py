"""The usual metrics, of several models at once: trials that train together are scored together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tuner.task import Task


def usual(task: Task, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """The metrics of a task over a whole split.

    Args:
        task: what the outputs are of.
        outputs: float32 (K, N, outputs), of K models.
        targets: int64 (N,) class indices or float32 (N, outputs), the same for all.

    Returns:
        float32 (K,) by name. Precision, recall and f1 are macro averages over the classes that a model has
        seen or guessed; `loss` is the plain task loss; r2 is the mean over outputs, NaN for a single row.
    """
    return _of_classes(outputs, targets) if task is Task.CLASSIFICATION else _of_values(outputs, targets)


def _of_classes(outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    models, rows, classes = outputs.shape
    guessed = outputs.argmax(2)
    right = guessed == targets
    places = torch.arange(models, device=outputs.device)[:, None] * classes + guessed
    nowhere = models * classes

    def counted(where: Tensor) -> Tensor:
        """How many lie in each place, (K, classes); without weights, which CUDA does not add up in the same order."""
        return torch.bincount(where.flatten(), minlength=nowhere + 1)[:nowhere].view(models, classes).float()

    hits, guesses = counted(torch.where(right, places, nowhere)), counted(places)
    there = torch.bincount(targets, minlength=classes).float()
    matters = (guesses + there > 0).float()

    def averaged(share: Tensor) -> Tensor:
        """The mean over the classes that matter, of shares that are 0 where they divide by 0."""
        return (share.nan_to_num(0.0, 0.0, 0.0) * matters).sum(1) / matters.sum(1)

    losses = functional.cross_entropy(outputs.transpose(1, 2), targets.expand(models, rows), reduction="none")
    return {
        "accuracy": right.float().mean(1),
        "precision": averaged(hits / guesses),
        "recall": averaged(hits / there),
        "f1": averaged(2 * hits / (guesses + there)),
        "loss": losses.mean(1),
    }


def _of_values(outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
    off = outputs - targets
    squared = off.square()
    mse = squared.mean((1, 2))
    rest, spread = squared.sum(1), (targets - targets.mean(0)).square().sum(0)
    r2 = torch.where(spread > 0, 1 - rest / spread, (rest == 0).float()).mean(1)  # as scikit-learn, of a constant
    return {
        "mse": mse,
        "rmse": mse.sqrt(),
        "mae": off.abs().mean((1, 2)),
        "r2": r2 if len(targets) > 1 else torch.full_like(r2, torch.nan),
        "loss": mse,
    }
