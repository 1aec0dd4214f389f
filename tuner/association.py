"""Association: which parameters can be told from chance as having to do with the values of a study's trials.

Each parameter is compared with the values by contrasts, and the values are shuffled over the trials to see how large
a contrast becomes by chance (Westfall and Young 1993: the smallest p of all parameters against its own null).
Samplers that learn draw parameters together where trials were good, so that one that does nothing looks as good as
its neighbour: what a parameter explains, with the time, is taken out before the next one is asked for.

The level holds where nothing matters. Where one parameter does, TPE's crowding is not taken out whole: with a weak
optimum inside a range another parameter was told from chance in 12-17 % of studies of 20-50 trials, in 10 of 24 of 300.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestRegressor

Array = NDArray[np.float64]

LEVEL = 0.05
"""The probability that any of a study's parameters is told from chance though none does anything."""

SHUFFLES = 999
"""Shuffles of the values. The smallest p that they can give is 1 in 1,000."""

WAVES = (1, 2, 3)
"""Half waves over a range that values are compared with: a slope, a hump, and one of each."""

REACH = 5.0
"""Distances between the quartiles, away from them, beyond which a value counts as lying there."""

TREES = 40
"""Trees of the forest that takes out what is explained already."""

FEWEST_ROWS = 3
"""Trials in a leaf of it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A parameter over some trials.

    `codes` are float64 (N,): places in [0, 1] on the parameter's own scale, or the positions of labels, of which
    there are `labels`; 0 labels is a range.
    """

    codes: Array
    labels: int = 0

    @property
    def varies(self) -> bool:
        """Whether it has more than one value."""
        return bool((self.codes != self.codes[:1]).any())


def beyond_chance(
    columns: Mapping[str, Column], values: Array, given: Sequence[Column] = (), level: float = LEVEL
) -> list[str]:
    """Return the parameters that can be told from chance, the most evident first.

    Args:
        columns: the parameters that are asked for, over the same N trials, in the order in which these were made.
        values: float64 (N,), finite.
        given: parameters over the same trials whose effect is taken out first.
        level: the probability that any parameter is returned where none does anything.
    """
    left = {name: _contrasts(column) for name, column in columns.items() if column.varies}
    taken = [column for column in given if column.varies]
    found: list[str] = []
    chance = np.random.default_rng(0)
    what = values if not taken else _unexplained(taken, values)
    while left:
        name = _most_evident(left, _scores(what), chance, level)
        if name is None:
            break
        found.append(name)
        taken.append(columns[name])
        del left[name]
        if left:
            what = _unexplained(taken, values)
    return found


def fenced(values: Array) -> Array:
    """Draw far-off values in to `REACH` distances between the quartiles, and scale what is left to about 1.

    Args:
        values: float64 (N,), finite, however large.
    """
    low, high = np.quantile(values, [0.25, 0.75], method="nearest")
    with np.errstate(over="ignore"):
        reach = REACH * (high - low)
        ends = low - reach, high + reach
    if 0 < reach < np.inf:
        inside: Array = (np.clip(values, *ends) - low) / reach
        return inside
    scaled: Array = values / (np.abs(values).max() or 1.0)
    return scaled


def _contrasts(column: Column) -> Array:
    """What values are compared with: float64 (N, C), each of mean 0 and length 1.

    A range is looked at by place, and by rank too: a sampler that learns crowds the places.
    """
    if column.labels:
        basis = np.stack([column.codes == label for label in np.unique(column.codes)], 1).astype(np.float64)
    else:
        ranks = (rankdata(column.codes) - 0.5) / len(column.codes)
        basis = np.stack([np.cos(np.pi * k * at) for at in (column.codes, ranks) for k in WAVES], 1)
    return _standard(basis)


def _standard(columns: Array) -> Array:
    centred = columns - columns.mean(0)
    lengths = np.sqrt((centred**2).sum(0))
    seen = lengths > 1e-9
    standard: Array = centred[:, seen] / lengths[seen]
    return standard


def _scores(values: Array) -> Array:
    """Values as ranks, and as they are but for far-off ones: float64 (N, 1 or 2)."""
    return _standard(np.stack([rankdata(values), fenced(values)], 1))


def _unexplained(taken: Sequence[Column], values: Array) -> Array:
    """The ranks of values less what parameters and the time explain of them, of trials that a tree has not seen."""
    ranks = rankdata(values)
    explaining = np.column_stack([*(column.codes for column in taken), np.arange(len(values))])
    forest = RandomForestRegressor(TREES, min_samples_leaf=FEWEST_ROWS, oob_score=True, random_state=0)
    forest.fit(explaining, ranks)
    explained: Array = np.nan_to_num(forest.oob_prediction_, nan=float(ranks.mean()))  # one that every tree has seen
    unexplained: Array = ranks - explained
    return unexplained


def _most_evident(left: Mapping[str, Array], scores: Array, chance: np.random.Generator, level: float) -> str | None:
    """The parameter of the smallest p, the largest contrast first among equals; None where that is no evidence."""
    names = [name for name, contrasts in left.items() if contrasts.size]
    if not names or not scores.size:
        return None
    shuffled = scores[np.argsort(chance.random((SHUFFLES, len(scores))), axis=1)]
    drawn = np.concatenate([scores[None], shuffled])  # the first is what was seen
    largest = np.stack([_largest(drawn, left[name]) for name in names], 1)
    p = np.stack([rankdata(-np.round(each, 9), method="max") for each in largest.T], 1) / len(drawn)
    smallest = p.min(1)
    k = min(range(len(names)), key=lambda k: (p[0, k], -largest[0, k]))
    return names[k] if (smallest <= p[0, k]).mean() <= level else None


def _largest(drawn: Array, contrasts: Array) -> Array:
    """The largest contrast of each draw: float64 (D,) of (D, N, S) and (N, C)."""
    products: Array = np.abs(np.einsum("dns,nc->dsc", drawn, contrasts, optimize=True)).max((1, 2))
    return products
