"""Scoring: a model in evaluation mode over a whole split."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tuner.data import Dataset, Split
from tuner.link import Link
from tuner.metrics import Scores

MOST_ROWS, MOST_NUMBERS = 1024, 2**22
"""How many rows, and numbers in them, are scored at once; metrics are over the whole split all the same."""


def rows_at_once(dataset: Dataset) -> int:
    """How many rows a model is given at once where nothing is learned from them."""
    return max(1, min(MOST_ROWS, MOST_NUMBERS // math.prod(dataset.input_shape)))


def evaluate(model: nn.Module, split: Split, dataset: Dataset, scores: Scores, link: Link) -> dict[str, float]:
    """Every metric of a model over a whole split of a dataset; `link` is that of the loss."""
    return scores(outputs_of(model, split, dataset), split.targets, dataset.target_scale, link)


def outputs_of(model: nn.Module, split: Split, dataset: Dataset) -> Tensor:
    """What a model gives for a whole split: float32 (N, outputs), those of a regression in terms of its scale."""
    size = rows_at_once(dataset)
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(inputs) for inputs in split.in_order(size)])
