"""The 1,797 real 8x8 images of handwritten digits that scikit-learn carries: no download."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

from tuner.data.rows import Rows, Source
from tuner.goal import Task


def load(*, base: str) -> Source:
    """Load ten classes of uint8 (1, 8, 8) images with values from 0 to 16, without a test split."""
    bundle = load_digits()
    images = torch.from_numpy(bundle.images).to(torch.uint8).unsqueeze(1)
    targets = torch.from_numpy(bundle.target).long()
    classes = tuple(str(name) for name in bundle.target_names)
    return Source(Task.CLASSIFICATION, classes, Rows(images, targets), white=16.0)
