"""Verdicts: a share that a simulation finds, its 95 % binomial interval, the target, and whether the target is kept."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from scipy import stats


class Verdict(enum.Enum):
    """Whether a target is kept, as far as the repeats can tell."""

    KEPT = "kept"
    OPEN = "open: too few repeats"
    MISSED = "MISSED"


@dataclass(frozen=True, slots=True)
class Target:
    """The shares from `low` to `high`, in [0, 1], that keep the promise."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.low == 0:
            return f"at most {self.high:.3g}"
        return f"at least {self.low:.3g}" if self.high == 1 else f"{self.low:.3g} to {self.high:.3g}"


COVERS = Target(0.93, 0.97)
"""The share of 95 % intervals that hold the truth."""

FALSE = Target(0.0, 0.05)
"""The share of repeats with a false claim."""

FIRST = Target(0.95, 1.0)
"""The share of studies that name the decisive parameter first."""


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a table: in `hits` of `repeats` the thing named `what` happened."""

    what: str
    hits: int
    repeats: int
    target: Target

    @property
    def share(self) -> float:
        """The share of hits."""
        return self.hits / self.repeats

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of the exact 95 % interval (Clopper and Pearson, 1934)."""
        found = stats.binomtest(self.hits, self.repeats).proportion_ci(0.95, method="exact")
        return float(found.low), float(found.high)

    @property
    def verdict(self) -> Verdict:
        """Kept if the share is within the target, missed if the whole interval is outside, else open."""
        low, high = self.interval
        if self.target.low <= self.share <= self.target.high:
            return Verdict.KEPT
        return Verdict.MISSED if high < self.target.low or low > self.target.high else Verdict.OPEN

    def __str__(self) -> str:
        low, high = self.interval
        between = f"({low:.1%} to {high:.1%})"
        return f"{self.what:68} {self.share:6.1%} {between:18} {self.target!s:14} {self.repeats:5} {self.verdict.value}"


HEADER = f"{'what':68} {'share':>6} {'95 % interval':18} {'target':14} {'of':>5} verdict"
"""What stands above the lines of a table."""


def missed(lines: Iterable[Share]) -> list[Share]:
    """Print each line as soon as it is found, and return those that miss their target."""
    print(HEADER, flush=True)
    found = []
    for line in lines:
        print(line, flush=True)
        found += [line] if line.verdict is Verdict.MISSED else []
    return found
