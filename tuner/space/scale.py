"""The scale of a range: where its numbers are, from 0 at the low end to 1 at the high."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers in [low, high]; with `log` their logarithms are at equal distances, and `low` is above 0."""

    low: float
    high: float
    log: bool

    def place(self, value: float) -> float:
        """Return the place of a number; 0.5 in a range of one number."""
        if self.low == self.high:
            return 0.5
        low, high, at = (math.log(each) if self.log else each for each in (self.low, self.high, value))
        return (at - low) / (high - low)

    def value(self, place: float) -> float:
        """Return the number at a place, not rounded."""
        if self.log:
            return math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        return self.low + place * (self.high - self.low)
