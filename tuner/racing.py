"""Racing: candidates trained on the same fresh seeds, and those given up that can no longer win.

The rule is a t-race (Maron and Moore, Hoeffding Races, 1994; Birattari et al., A Racing Algorithm for
Configuring Metaheuristics, 2002; López-Ibáñez et al., The irace Package, 2016). After three seeds, and
after each further one, every candidate is compared with the one of the best mean by a one-sided paired
t-test over their common seeds. Unlike irace, the level of 5 % is divided among all rivals and all looks
(Bonferroni): that the truly best candidate is given up by chance happens in one race out of twenty at most.
Those that are still in the race at its end cannot be told apart.

Choosing the best mean flatters it. So nothing here gives an interval of the winner over the seeds that chose it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from scipy import special

LEVEL = 0.05
"""How often a whole race may give up its truly best candidate, and an interval may miss the mean."""

FIRST_LOOK = 3
"""Two differences tell nothing of their spread."""

ROUNDING = 1e-6
"""Shares of rows, as metrics often are, are float32: equal differences of them differ by about so much of a value."""


@dataclass(frozen=True, slots=True)
class Race:
    """How a race stands.

    `leading` are the candidates still in it, the best mean first; `given_up` are the others with the number
    of seeds after which they were; `due` is how many seeds those in the race must have next, 0 at its end.
    """

    leading: tuple[int, ...]
    given_up: Mapping[int, int]
    due: int


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and where the true one lies with 95 % confidence, if values are about normal."""

    mean: float
    low: float
    high: float

    def within(self, low: float, high: float) -> Interval:
        """No wider than what values can be."""
        return Interval(self.mean, max(low, self.low), min(high, self.high))


def race(
    values: Mapping[int, Sequence[float]], seeds: int, entered: int, before: Mapping[int, float] = MappingProxyType({})
) -> Race:
    """Run a race as far as its values reach.

    Args:
        values: of each candidate, one per seed in the order of seeds; higher is better.
        seeds: how many a candidate has at most, at least 2.
        entered: how many candidates there were at the start, some of which may have dropped out.
        before: the value of each on a seed before these, where it is known: of one in which chance plays no part
            it is the same.
    """
    sure = {each for each in values if each in before and set(values[each]) <= {before[each]}}
    leading = list(values)
    given_up: dict[int, int] = {}
    first = min(FIRST_LOOK, seeds)
    level = LEVEL / max(1, (entered - 1) * (seeds - first + 1))
    for n in range(first, seeds + 1):
        if len(leading) < 2:
            break
        if any(len(values[candidate]) < n for candidate in leading):
            return Race(tuple(leading), given_up, n)
        leading.sort(key=lambda candidate: -statistics.fmean(values[candidate][:n]))
        best = values[leading[0]][:n]
        fixed = sure if leading[0] in sure else set()
        given_up |= {each: n for each in leading[1:] if p_worse(values[each][:n], best, each in fixed) < level}
        leading = [candidate for candidate in leading if candidate not in given_up]
    return Race(tuple(leading), given_up, 0)


def p_worse(values: Sequence[float], best: Sequence[float], sure: bool = False) -> float:
    """How likely `best` leads by as much or more if the two are equally good: a one-sided paired t-test.

    Differences that are all the same, but for rounding, have no spread to divide by. They are taken by their
    sign, as chance would have it with 2^-n: few rows have few accuracies, which come again.

    Args:
        values: one per seed, higher is better.
        best: likewise, on the same seeds, at least 2.
        sure: whether chance plays no part in either.
    """
    leads = [high - value for high, value in zip(best, values, strict=True)]
    n, mean, spread = len(leads), statistics.fmean(leads), statistics.stdev(leads)
    if mean <= 0:
        return 1.0
    if spread > ROUNDING * max(map(abs, [*values, *best])):
        return float(special.stdtr(n - 1, -mean * math.sqrt(n) / spread))
    return 0.0 if sure else 0.5**n


def interval(values: Sequence[float]) -> Interval | None:
    """Student's interval of the mean; None of fewer than two values, whose spread is unknown."""
    if len(values) < 2:
        return None
    mean = statistics.fmean(values)
    reach = float(special.stdtrit(len(values) - 1, 1 - LEVEL / 2)) * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - reach, mean + reach)
