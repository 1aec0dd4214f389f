"""A regression with a known answer: y = 2x + 1 + noise, in one or more dimensions."""

from __future__ import annotations

import math
from typing import Annotated

import torch

from tuner.data.rows import Rows, Source
from tuner.errors import DataError
from tuner.goal import Task
from tuner.runtime.kinds import Kind, Number, Whole

ROWS, FEATURES, NOISE, SEED = Whole(2), Whole(1), Number(minimum=0), Whole(0)


def load(
    *,
    base: str,
    rows: Annotated[int, ROWS] = 1000,
    features: Annotated[int, FEATURES] = 1,
    noise: Annotated[float, NOISE] = 1.0,
    seed: Annotated[int, SEED] = 0,
) -> Source:
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
    held: list[tuple[str, float, Kind]] = [
        ("rows", rows, ROWS),
        ("features", features, FEATURES),
        ("noise", noise, NOISE),
        ("seed", seed, SEED),
    ]
    for name, value, kind in held:
        if not kind.takes(value) or not math.isfinite(value):
            raise DataError(f"data.{name}: is {kind.wording}, not {value}")
    chance = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, features, generator=chance)
    targets = 2 * inputs.sum(1, keepdim=True) + 1 + noise * torch.randn(rows, 1, generator=chance)
    return Source(Task.REGRESSION, (), Rows(inputs, targets.double()))
