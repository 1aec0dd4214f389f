"""Targets of a regression: stored in float64, trained on in float32, refused if float32 loses them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from tuner.data.preprocessing.standardize import Scale, chunks_of, home_of_doubles
from tuner.errors import DataError

CPU = torch.device("cpu")

LEAST, MOST = 1e-140, 1e140
"""The spreads whose squares, and those of far smaller errors, float64 holds."""

DIFFERENT = 1e-14
"""Two float64 values are different if their distance is above this share of them."""

SAMPLE = 100_000
"""At most this many rows are compared: of millions of random values some are equal by chance."""

LOST = 0.01
"""The share of different targets that may become equal."""


def placed(targets: Tensor, scale: Scale | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return targets in their own units, and as a model is trained on them.

    Args:
        targets: int64 (N,) class indices, or float64 (N, outputs).
        scale: of a regression.
        device: where training is.

    Returns:
        Both on the device; the former stay on the CPU where the device has no float64. The latter are
        the class indices, or float32 and standardised.
    """
    if scale is None:
        there = targets.to(device)
        return there, there
    return targets.to(home_of_doubles(device)), scale.to(CPU)(targets.to(CPU)).to(device)


def refuse_lost(train: Tensor, others: Mapping[str, Tensor]) -> None:
    """Raise for targets that no model can be trained on or scored by.

    Args:
        train: float64 (N, outputs), of the rows to train on.
        others: those of the other splits, by name.

    Raises:
        DataError: the training targets are all equal, or the squares of their spread leave float64.
            It is also raised if different targets of a split become equal in standardised float32.
    """
    scale = Scale.fit(chunks_of(train))
    lows, highs = train.min(0).values, train.max(0).values
    if bool((lows == highs).all()):
        raise DataError(f"data: all rows to train on have one target, {float(lows[0]):g}: there is nothing to learn")
    for i, spread in enumerate(scale.std.tolist()):
        column = "" if train.shape[1] == 1 else f" in column {i}"
        if not LEAST <= spread <= MOST or 0 < float(highs[i] - lows[i]) < LEAST:
            raise DataError(
                f"data: the targets{column} reach from {float(lows[i]):g} to {float(highs[i]):g}, whose squared errors "
                f"float64 cannot hold: multiply them by a constant"
            )
        for name, targets in {"training": train, **others}.items():
            _refuse_collapsed(targets[:, i], scale(targets)[:, i], f"{column} of the {name} split", spread)


def _refuse_collapsed(raw: Tensor, trained: Tensor, where: str, spread: float) -> None:
    step = -(-len(raw) // SAMPLE)
    raw, order = raw[::step].sort()
    trained = trained[::step][order]
    different = raw.diff() > DIFFERENT * torch.maximum(raw[1:].abs(), raw[:-1].abs())
    lost = int((different & (trained.diff() == 0)).sum())
    values = int(different.sum()) + 1
    if lost > LOST * values:
        raise DataError(
            f"data: {lost} of {values} different targets{where} become equal in float32. The training "
            f"targets have a spread of {spread:.3g}: leave out the extreme ones, or predict the logarithm"
        )
