"""The usual metrics, of several models at once: trials that train together are scored together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tuner.data.scale import Scale


def of_classes(outputs: Tensor, targets: Tensor, positive: int | None = None) -> dict[str, Tensor]:
    """Return the usual metrics of a classification over a whole split.

    Args:
        outputs: float32 (K, N, classes), of K models.
        targets: int64 (N,) class indices, the same for all.
        positive: the class that precision, recall and f1 are of. Without it they are macro averages over the
            classes that a model has seen or guessed.

    Returns:
        float32 (K,) by name; `loss` is the cross entropy.
    """
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
        """That of the positive class, or the mean over the classes that matter; shares of nothing are 0."""
        share = share.nan_to_num(0.0, 0.0, 0.0)
        return (share * matters).sum(1) / matters.sum(1) if positive is None else share[:, positive]

    losses = functional.cross_entropy(outputs.transpose(1, 2), targets.expand(models, rows), reduction="none")
    return {
        "accuracy": right.float().mean(1),
        "precision": averaged(hits / guesses),
        "recall": averaged(hits / there),
        "f1": averaged(2 * hits / (guesses + there)),
        "loss": losses.mean(1),
    }


def of_values(outputs: Tensor, targets: Tensor, scale: Scale) -> dict[str, Tensor]:
    """Return the usual metrics of a regression over a whole split.

    Errors are those of standardised values in float64, times the spread: so neither large, nor tiny, nor
    close targets lose their digits.

    Args:
        outputs: float32 (K, N, outputs) in terms of the scale, of K models.
        targets: float64 (N, outputs) in their own units, the same for all.
        scale: of the targets.

    Returns:
        float64 (K,) by name. `mse` and `mae` are means over rows and outputs, `rmse` is the root of `mse`, `loss`
        is `mse`, and `r2` is the mean of that of each output, NaN for a single row.
    """
    truth = scale.exact(targets)
    off = outputs.to(truth.device, torch.float64) - truth
    squared = off.square()
    largest = scale.std.max()
    share = scale.std / largest
    root = (squared * share.square()).mean((1, 2)).sqrt()
    rest, spread = squared.sum(1), (truth - truth.mean(0)).square().sum(0)
    varies = (truth != truth[:1]).any(0)
    r2 = torch.where(varies, 1 - rest / spread, (rest == 0).double()).mean(1)  # as scikit-learn, of a constant
    return {
        "mse": (root * largest).square(),
        "rmse": root * largest,
        "mae": (off.abs() * share).mean((1, 2)) * largest,
        "r2": r2 if len(targets) > 1 else torch.full_like(r2, torch.nan),
        "loss": (root * largest).square(),
    }
