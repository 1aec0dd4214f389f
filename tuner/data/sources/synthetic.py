"""A regression with a known answer: y = 2x + 1 + noise, in one or more dimensions."""

from __future__ import annotations

import math

import torch

from tuner.data.rows import Rows, Source
from tuner.errors import DataError
from tuner.goal import Task


def load(*, base: str, rows: int = 1000, features: int = 1, noise: float = 1.0, seed: int = 0) -> Source:
    """Draw y = 2 (x_1 + ... + x_n) + 1 + noise, all x standard normal.

    Args:
        base: is not used.
        rows: the number of rows.
        features: n, at least 1.
        noise: the standard deviation of the normal noise; its square is the least mean squared error.
        seed: draws the rows, whatever the study's seed.

    Raises:
        DataError: a number is too small.
    """
    for name, whole, least in (("rows", rows, 2), ("features", features, 1), ("seed", seed, 0)):
        if isinstance(whole, bool) or not isinstance(whole, int) or whole < least:
            raise DataError(f"data.{name}: is a whole number of at least {least}, not {whole}")
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise DataError(f"data.noise: is a number of at least 0, not {noise}")
    chance = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, features, generator=chance)
    targets = 2 * inputs.sum(1, keepdim=True) + 1 + noise * torch.randn(rows, 1, generator=chance)
    return Source(Task.REGRESSION, (), Rows(inputs, targets.double()))
