"""Scoring: a model in evaluation mode over a whole split."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuner.config import Precision
from tuner.data import Dataset, Split
from tuner.metrics import Scores
from tuner.precision import autocast, widened
from tuner.training.run import Run

MOST_ROWS, MOST_NUMBERS = 1024, 2**22
"""How many rows, and numbers in them, are scored at once; metrics are over the whole split all the same."""


def rows_at_once(dataset: Dataset) -> int:
    """How many rows a model is given at once where nothing is learned from them."""
    return max(1, min(MOST_ROWS, MOST_NUMBERS // math.prod(dataset.input_shape)))


def evaluate(run: Run, split: Split, scores: Scores) -> dict[str, float]:
    """Every metric of a run's model over a whole split."""
    outputs = outputs_of(run.scored, split, run.dataset, run.training.precision)
    return scores(outputs, split.targets, run.dataset.target_scale, run.loss.link)


def outputs_of(model: nn.Module, split: Split, dataset: Dataset, precision: Precision = Precision.FP32) -> Tensor:
    """What a model gives for a whole split: float32 (N, outputs), those of a regression in terms of its scale.

    It computes in the precision of its training.
    """
    size = rows_at_once(dataset)
    model.eval()
    with torch.no_grad(), autocast(precision, next(model.parameters()).device):
        return torch.cat([widened(model(inputs)) for inputs in split.in_order(size)])
