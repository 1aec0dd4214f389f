"""Racing: candidates train on the same fresh seeds, and those that can no longer win are given up.

The rule is a t-race (Maron and Moore, Hoeffding Races, 1994; Birattari et al., A Racing Algorithm for Configuring
Metaheuristics, 2002; López-Ibáñez et al., The irace Package, 2016). After three seeds, and each further one, a paired
t-test compares every candidate with the best mean over common seeds. Chance decides which one that is. So the level of
5 % is divided among all ordered pairs and all looks (Bonferroni). A race of equals then makes a false claim in at most
one case of twenty, for about normal values.

A run is a curve: one value for each epoch. No run is scored at its own best epoch, which would favour the luck of that
seed. The other half of its candidate's runs choose the epoch by their mean. So a long or noisy curve gains nothing. (A
choice by all runs favours noisy curves. A choice by all other runs makes values dependent. With 20 runs of 20 epochs of
noise both call one of two equals worse in 35 %.)

If each seed draws new training and validation rows, the draws share rows and are not independent. The variance of a
mean of J of them is then s^2 (1/J + n_valid/n_train) instead of s^2/J. `overlap` is that second term (Nadeau and
Bengio, Inference for the Generalization Error, 2003).

The best mean is optimistic, because it was chosen. So nothing here gives an interval of the winner over the seeds that
chose it. Draws that share rows pass a part of that on: the winner suits these rows, and further draws, by luck. If all
candidates that cannot be distinguished are equal, the winner's lead over their mean is luck. The rows' part of it is
overlap / (1/J + overlap). The interval reaches further to the worse side by it (`mean_interval`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Curve: TypeAlias = Sequence[float]
"""The values of a run by epoch, higher is better; -inf at an epoch that does not count."""

LEVEL = 0.05
"""The rate of false claims in a race of equals, and of intervals that miss the mean."""

TESTED = 0.04
"""The level of all tests of a race together.

Three skewed values are not quite normal: at 0.05 two equals are called different in 5.9 % of races
(`benchmarks.resampled`).
"""

FIRST_LOOK = 3
"""Least number of seeds for a test, since two differences hardly show their spread.

A t-test of two called equals different in 5.9 % of 3,000 races, if one seed in five fails badly.
"""

ROUNDING = 1e-6
"""Relative rounding of differences: shares of rows, as metrics often are, are float32."""


@dataclass(frozen=True, slots=True)
class Race:
    """The state of a race.

    `leading` are the candidates still in it, the best mean first. `given_up` are the others with the number of seeds
    after which they were. `due` is the number of seeds that the leading ones must have next, 0 at the end.
    """

    leading: tuple[int, ...]
    given_up: Mapping[int, int]
    due: int


def best_epoch(curves: Sequence[Curve]) -> int | None:
    """Return the place of the best value of the mean curve, the first of equals.

    Only epochs count that all curves have and at which none is -inf. None if there is no such epoch.
    """
    table, counts = _table(curves)
    if not counts.any():
        return None
    return int(np.where(counts, table.mean(0), -math.inf).argmax())


def scored(curves: Sequence[Curve]) -> list[float]:
    """Return each run's value at the epoch that the other half of the runs choose; a single run's best.

    Every second run is one half. So the choice is independent of a run's own luck. Values of one half are independent,
    as a t-test requires. -inf if no epoch counts for all of them.
    """
    table, counts = _table(curves)
    if not counts.any():
        return [-math.inf] * len(curves)
    table = table[:, counts]
    halves = [table[1::2], table[::2]] if len(table) > 1 else [table, table]
    chosen = [int(half.mean(axis=0).argmax()) for half in halves]
    return [float(own[chosen[i % 2]]) for i, own in enumerate(table)]


def _table(curves: Sequence[Curve]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the epochs that all curves have, float64 (runs, epochs), and which count for all, bool (epochs,)."""
    epochs = min(map(len, curves), default=0)
    table = np.array([curve[:epochs] for curve in curves], dtype=np.float64).reshape(len(curves), epochs)
    counts: NDArray[np.bool_] = np.asarray(np.isfinite(table).all(axis=0))
    return table, counts


def race(
    curves: Mapping[int, Sequence[Curve]],
    seeds: int,
    entered: int,
    before: Mapping[int, float] = MappingProxyType({}),
    overlap: float = 0.0,
) -> Race:
    """Run a race as far as its values reach.

    Args:
        curves: the curves of each candidate, one per seed in the order of seeds.
        seeds: largest number of seeds of a candidate, at least 2.
        entered: the number of candidates at the start; some may have dropped out.
        before: the known value of each candidate on an earlier seed; it is the same if nothing is random.
        overlap: n_valid / n_train if each seed draws new rows, else 0.
    """
    known = {each: some for each, some in curves.items() if each in before and len(some) >= FIRST_LOOK}
    sure = {each for each, some in known.items() if set(scored(some)) == {before[each]}}
    leading = list(curves)
    given_up: dict[int, int] = {}
    first = min(FIRST_LOOK, seeds)
    level = TESTED / max(1, entered * (entered - 1) * (seeds - first + 1)) if seeds >= FIRST_LOOK else 0.0
    for n in range(first, seeds + 1):
        if len(leading) < 2:
            break
        if any(len(curves[candidate]) < n for candidate in leading):
            return Race(tuple(leading), given_up, n)
        values = {each: scored(curves[each][:n]) for each in leading}
        leading.sort(key=lambda candidate: -statistics.fmean(values[candidate]))
        best = values[leading[0]]
        fixed = sure if leading[0] in sure else set()
        given_up |= {each: n for each in leading[1:] if p_worse(values[each], best, each in fixed, overlap) < level}
        leading = [candidate for candidate in leading if candidate not in given_up]
    return Race(tuple(leading), given_up, 0)


def p_worse(values: Sequence[float], best: Sequence[float], sure: bool = False, overlap: float = 0.0) -> float:
    """Return the p-value of `best` leading by as much or more between equals: a one-sided paired t-test.

    Differences that are equal, except for rounding, have no spread to divide by. Their sign counts with 2^-n: few rows
    have few accuracies, which repeat.

    Args:
        values: one per seed, higher is better.
        best: likewise, on the same seeds, at least 2.
        sure: whether chance plays no part in either.
        overlap: as `race` has it; n draws that overlap count as 1 / (1/n + overlap) that do not.
    """
    leads = np.subtract(best, values)
    n, mean, spread = len(leads), float(leads.mean()), float(leads.std(ddof=1))
    if mean <= 0:
        return 1.0
    if spread > ROUNDING * max(map(abs, [*values, *best])):
        return float(special.stdtr(n - 1, -mean / (spread * math.sqrt(1 / n + overlap))))
    return 0.0 if sure else 0.5 ** (1 / (1 / n + overlap))
