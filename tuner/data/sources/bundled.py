"""The 1,797 real 8x8 images of handwritten digits that scikit-learn carries: no download."""

from __future__ import annotations

import functools

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tuner.data.rows import Rows, Source
from tuner.goal import Task


def load(*, base: str) -> Source:
    """Load ten classes of uint8 (1, 8, 8) images with values from 0 to 16, without a test split."""
    images, targets, classes = _digits()
    return Source(Task.CLASSIFICATION, classes, Rows(images.clone(), targets.clone()), white=16.0)


@functools.cache
def _digits() -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Return images, targets and names. They are read once: scikit-learn parses their text anew for each call."""
    bundle = load_digits()
    images = torch.from_numpy(bundle.images).to(torch.uint8).unsqueeze(1)
    targets = torch.from_numpy(bundle.target).long()
    return images, targets, tuple(str(name) for name in bundle.target_names)
