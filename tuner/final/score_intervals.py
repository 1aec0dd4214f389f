"""95 % intervals of the scores of one model on a split, over rows that count as independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from tuner.results.mean_interval import Interval
from tuner.results.racing import LEVEL

RESAMPLES, FEWER = 400, 100
"""How many resamples are drawn; the second number for splits of many numbers."""

MANY = 2_000_000

FEW = 50
"""Fewer rows make the interval of a mean squared error too narrow: 78 % for 20 rows of Laplace errors."""

HEAVY = 6.0
"""Errors of a larger kurtosis make it too narrow for any number of rows: 74 % for 1,000 of t(3)."""


def intervals(
    score: Callable[[Tensor], Mapping[str, float]], outputs: Tensor, found: Mapping[str, float]
) -> dict[str, Interval]:
    """Return 95 % intervals of a model's scores on the rows of a split.

    The accuracy has Wilson's interval (1927). Any other metric has percentiles of a bootstrap with a fixed seed (Efron,
    1979). They are widened for few rows (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015). With heavy
    tails and few rows the interval still covers less often than 95 %.

    Args:
        score: returns every metric of the rows at given places, int64 (N,) on the CPU.
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
    """Return why intervals of mse, rmse, r2 and loss may be too narrow; else an empty text.

    Args:
        errors: (N, outputs), all of one scale.
    """
    squared = errors.double().square()
    told = "the intervals of mse, rmse, r2 and loss may be too narrow"
    if len(errors) < FEW:
        return f"few rows ({len(errors)}): {told}"
    heavy = squared.square().mean(0) > HEAVY * squared.mean(0).square()
    return f"a few large errors decide: {told}" if bool(heavy.any()) else ""


def wilson(right: int, rows: int) -> tuple[float, float]:
    """Return both ends of Wilson's 95 % interval of a share."""
    found = stats.binomtest(right, rows).proportion_ci(1 - LEVEL, method="wilson")
    return float(found.low), float(found.high)


def expanded_tail(rows: int) -> float:
    """Return the share of resamples beyond each end that makes percentiles as wide as Student's interval."""
    return float(stats.norm.sf(math.sqrt(rows / (rows - 1)) * stats.t.isf(LEVEL / 2, rows - 1)))


def _percentiles(name: str, value: float, drawn: list[Mapping[str, float]], tail: float) -> Interval | None:
    """Return an interval of percentiles; None if a resample has no number or all resamples are equal."""
    values = np.array([each.get(name, math.nan) for each in drawn])
    if not np.isfinite(values).all():
        return None
    if values.min() == values.max():  # a perfect f1 on few rows is not a sure one
        return None
    low, high = np.quantile(values, [tail, 1 - tail], method="weibull")  # others leave out more than the tail
    return Interval(value, min(value, float(low)), max(value, float(high)))
