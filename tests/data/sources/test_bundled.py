from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits

from tuner.data.sources import bundled
from tuner.goal import Task


def test_the_digits_are_as_scikit_learn_has_them() -> None:
    bundle = load_digits()

    source = bundled.load(base=".")

    assert isinstance(source.pool.inputs, torch.Tensor)
    assert source.pool.inputs.dtype is torch.uint8
    assert np.array_equal(source.pool.inputs[:, 0].numpy(), bundle.images)
    assert np.array_equal(source.pool.targets.numpy(), bundle.target)
    assert (source.task, source.classes, source.white) == (Task.CLASSIFICATION, tuple("0123456789"), 16)
    assert int(source.pool.inputs.max()) == 16
