"""How sure the scores of one model on a split are: 95 % intervals over the rows, which are taken for independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from tuner.results.racing import LEVEL, Interval

RESAMPLES, FEWER = 400, 100
"""How many times rows are drawn again; fewer where a split has many numbers."""

MANY = 2_000_000

FEW = 50
"""Rows below which the interval of a mean squared error is too narrow: 20 of Laplace's distribution, it covers 78 %."""

HEAVY = 6.0
"""The kurtosis of errors beyond which it is too narrow whatever their number: 1,000 of Student's t with 3, 74 %."""


def intervals(
    score: Callable[[Tensor], Mapping[str, float]], outputs: Tensor, found: Mapping[str, float]
) -> dict[str, Interval]:
    """95 % intervals of a model's scores on the rows of a split.

    The accuracy has Wilson's interval (1927). Any other metric has percentiles of rows drawn again with replacement
    (Efron's bootstrap, 1979) from a fixed seed, expanded for few rows (Hesterberg, "What Teachers Should Know About
    the Bootstrap", 2015). With heavy tails and few rows it still holds less often than it says.

    Args:
        score: every metric of the rows at some places, int64 (N,) on the CPU.
        outputs: (N, ...), of the whole split; at least two rows.
        found: the scores of all rows.
    """
    rows = len(outputs)
    if rows < 2:
        return {}
    times = RESAMPLES if outputs.numel() <= MANY else FEWER
    chance = torch.Generator().manual_seed(0)
    drawn = [score(torch.randint(rows, (rows,), generator=chance)) for _ in range(times)]
    tail = expanded_tail(rows)
    told = {name: interval for name, value in found.items() if (interval := _percentiles(name, value, drawn, tail))}
    if "accuracy" in found:
        low, high = wilson(round(found["accuracy"] * rows), rows)
        told["accuracy"] = Interval(found["accuracy"], low, high)
    return told


def doubted(errors: Tensor) -> str:
    """Say why intervals of mse, rmse, r2 and loss may be too narrow; nothing where they are not.

    Args:
        errors: (N, outputs), of one scale.
    """
    squared = errors.double().square()
    told = "the intervals of mse, rmse, r2 and loss may be too narrow"
    if len(errors) < FEW:
        return f"few rows ({len(errors)}): {told}"
    heavy = squared.square().mean(0) > HEAVY * squared.mean(0).square()
    return f"a few large errors decide: {told}" if bool(heavy.any()) else ""


def wilson(right: int, rows: int) -> tuple[float, float]:
    """Both ends of Wilson's 95 % interval of a share."""
    found = stats.binomtest(right, rows).proportion_ci(1 - LEVEL, method="wilson")
    return float(found.low), float(found.high)


def expanded_tail(rows: int) -> float:
    """The share of resamples beyond each end, at which the percentiles of a mean are as far apart as Student's ends."""
    return float(stats.norm.sf(math.sqrt(rows / (rows - 1)) * stats.t.isf(LEVEL / 2, rows - 1)))


def _percentiles(name: str, value: float, drawn: list[Mapping[str, float]], tail: float) -> Interval | None:
    """None where a resample gives no number, as one without a class may, or where all resamples are alike."""
    values = np.array([each.get(name, math.nan) for each in drawn])
    if not np.isfinite(values).all():
        return None
    if values.min() == values.max():  # a perfect f1 on few rows is not a sure one
        return None
    low, high = np.quantile(values, [tail, 1 - tail], method="weibull")  # others leave out more than the tail
    return Interval(value, min(value, float(low)), max(value, float(high)))
