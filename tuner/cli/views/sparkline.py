"""Numbers drawn with characters: a course as a sparkline, a share as a bar."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

LEVELS, PLAIN_LEVELS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
"""Characters from low to high. Every encoding has the plain ones."""

FULL, PLAIN_FULL = "█", "#"

FENCE = 5
"""A value further from the quartiles than this many interquartile ranges does not flatten the others."""

HUGE = 1e300
"""Values above this are scaled first, so that their differences do not overflow."""


def sparkline(values: Sequence[float], width: int, plain: bool) -> str:
    """Return a course on one line: a character per value, or per value of an even sample.

    Args:
        values: finite numbers.
        width: largest number of characters; at least 1.
        plain: whether to use ASCII only.
    """
    levels = PLAIN_LEVELS if plain else LEVELS
    largest = max(map(abs, values), default=0.0)
    if largest > HUGE:
        values = [value / largest for value in values]
    low, high = _ends(values)
    return "".join(levels[_level(value, low, high, len(levels))] for value in _sample(values, width))


def bar(share: float, width: int, plain: bool) -> str:
    """Return a bar for a share in [0, 1] of `width` characters; a share above 0 has at least one."""
    return (PLAIN_FULL if plain else FULL) * (max(1, round(share * width)) if share > 0 else 0)


def _sample(values: Sequence[float], most: int) -> Sequence[float]:
    if len(values) <= most:
        return values
    return [values[math.ceil((i + 1) * len(values) / most) - 1] for i in range(most)]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest value that are not far off."""
    if len(values) < 4:
        return min(values, default=0.0), max(values, default=0.0)
    first, _, third = statistics.quantiles(values, n=4)
    reach = FENCE * (third - first)
    inside = [value for value in values if first - reach <= value <= third + reach] if reach else values
    return min(inside), max(inside)


def _level(value: float, low: float, high: float, count: int) -> int:
    if low == high:
        return 0 if value <= low else count - 1
    place = (min(max(value, low), high) - low) / (high - low)
    return min(count - 1, int(place * count))
