"""The confidence interval of a mean over seeds, which may share rows of data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from tuner.results.racing import LEVEL

KEPT = 0.85
"""The fraction of the rows' part of a lead by which an interval is extended.

For 3 to 20 draws of five equal ridge regressions, intervals then cover the truth in 93.6 to 97.2 %. That holds with and
without noise of training (`benchmarks/honest.md`). Without it they cover 87 to 95 %.
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and the bounds of the true mean with 95 % confidence for about normal values."""

    mean: float
    low: float
    high: float

    def within(self, low: float, high: float) -> Interval:
        """Return the interval cut to the bounds of values."""
        return Interval(self.mean, max(low, self.low), min(high, self.high))


def luck(means: Sequence[float], seeds: int, overlap: float) -> float:
    """Return the part of the best mean's lead that new draws of the same rows keep if all are equal.

    Args:
        means: of the candidates that cannot be told apart, the best first.
        seeds: how many each is of.
        overlap: as `race` has it; at 0 further seeds keep nothing.

    Returns:
        In the values' units; above 0 where more is better, else below.
    """
    return (1 - 1 / (1 + seeds * overlap)) * (means[0] - statistics.fmean(means))


def interval(values: Sequence[float], overlap: float = 0.0, lucky: float = 0.0) -> Interval | None:
    """Return Student's interval of the mean; None for fewer than two values, whose spread is unknown.

    Luck makes hardly any mean too low. So the worse end is that of a one-sided test at the whole level plus the luck,
    if further away.

    Args:
        values: one per seed.
        overlap: n_valid / n_train where each seed draws its rows anew, else 0.
        lucky: as `luck` has it.
    """
    if len(values) < 2:
        return None
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    if spread == 0:
        return Interval(mean, mean, mean)
    error = spread * math.sqrt(1 / len(values) + overlap)
    two, one = (error * float(special.stdtrit(len(values) - 1, 1 - tail)) for tail in (LEVEL / 2, LEVEL))
    down, up = (max(two, one + KEPT * moved) for moved in (lucky, -lucky))
    return Interval(mean, mean - down, mean + up)
