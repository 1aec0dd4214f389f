"""The 1,797 real 8x8 images of handwritten digits that scikit-learn carries: no download."""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits

from tuner.config import Task
from tuner.data.tensors import Source, Split


def load(*, base: str) -> Source:
    """Ten classes of float32 (1, 8, 8) images with values from 0 to 16; no test split of its own."""
    bundle = load_digits()
    images = torch.from_numpy(bundle.images).float().unsqueeze(1)
    targets = torch.from_numpy(bundle.target).long()
    return Source(Task.CLASSIFICATION, tuple(str(name) for name in bundle.target_names), Split(images, targets), None)
