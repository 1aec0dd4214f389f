"""Fair share: how much of the machine each user has had lately."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

HALF_LIFE = 24 * 3600.0
"""Seconds after which use counts half."""


@dataclass(frozen=True, slots=True)
class Use:
    """A user's job held `share` of a machine, in [0, 1], from `start` to `end`. Times are in seconds."""

    user: str
    share: float
    start: float
    end: float


def usage(uses: Iterable[Use], now: float) -> Mapping[str, float]:
    """Return the decayed seconds of the whole machine that each user has had; 0 for one who is not named.

    A use whose ends lie after `now`, as after a clock was set back, counts to `now`.
    """
    total: dict[str, float] = defaultdict(float)
    for use in uses:
        start, end = min(use.start, now), min(use.end, now)
        total[use.user] += use.share * max(0.0, _decayed(now - end) - _decayed(now - start))
    return total


def _decayed(age: float) -> float:
    """Return the integral of the weight from an age to infinity, in seconds: HALF_LIFE / ln 2 for the age 0."""
    return HALF_LIFE / math.log(2) * math.exp2(-age / HALF_LIFE)
