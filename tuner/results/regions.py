"""Regions: the range of each parameter in the best trials, and the bounds that these trials press against.

A parameter of one branch is compared among the trials of that branch. Distances are on the parameter's own scale, which
may be logarithmic.
"""

from __future__ import annotations

import collections
import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import hypergeom

from tuner.runtime.rounding import rounded, value_text
from tuner.study import Choices, Domain, Range, Record

TOP = 5
"""Number of best trials whose places are compared."""

NEAR = 0.1
"""Fraction of a range that counts as its edge."""

MOSTLY = 3
"""Least number of the best `TOP` at the edge of a bound to be widened."""

BETTER = 0.3
"""Share of better trials that must be nearer to a bound than chance explains.

In simulations of TPE a smaller share misses more bounds. Where many trials lie at one, the best few do in any draw.
"""

CHANCE = 0.05
"""The probability that any bound of a study is reported if no parameter matters."""

ROUNDING = 1e-9
"""Tolerance for a place in a range."""

BEST = 0.1
"""Share of trials that make the region; at least `TOP` trials."""

SHARES = {"dropout", "p", "momentum", "dampening", "label_smoothing", "alpha", "rho", "gamma", "ema", "pct_start"}
"""Last parts of the names of parameters that cannot be above 1."""


class End(enum.Enum):
    """An end of a range."""

    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Region:
    """The region of a parameter.

    `top` are its values in the best `TOP` of the `trials` that have it, the best first. `low` and `high` are the ends
    of the best tenth of them, None for a choice. `pressed` is the end that the best press against, and `pressing` their
    number. `open` is whether the parameter's meaning allows to move the bound.
    """

    name: str
    domain: Domain
    trials: int
    top: tuple[Any, ...]
    low: float | None = None
    high: float | None = None
    pressed: End | None = None
    pressing: int = 0
    open: bool = False

    @property
    def advice(self) -> str:
        """Advice about a bound to widen; empty if there is none."""
        if self.pressed is None or not self.open:
            return ""
        assert isinstance(self.domain, Range), self.name
        bound = self.domain.low if self.pressed is End.LOWER else self.domain.high
        return (
            f"{self.name}: {self.pressing} of the top {len(self.top)} within {NEAR:.0%} of the "
            f"{self.pressed.value} bound {bound:g}: widen it"
        )

    @property
    def told(self) -> str:
        """The values of the best trials, in a few words."""
        if self.low is None or self.high is None:
            label, count = collections.Counter(map(value_text, self.top)).most_common(1)[0]
            return f"{label} in {count} of the top {len(self.top)}"
        return f"{rounded(self.low)} to {rounded(self.high)}" if self.low < self.high else rounded(self.low)


def regions(chosen: Sequence[Record], domains: dict[str, Domain], loss: Callable[[Record], float]) -> list[Region]:
    """Return the regions of the varying parameters that some trial has.

    Args:
        chosen: complete trials with finite values.
        domains: the domains of their parameters.
        loss: returns a trial's loss.
    """
    ranked = sorted(chosen, key=loss)
    had = {name: [record.params[name] for record in ranked if name in record.params] for name in domains}
    varying = {name: domain for name, domain in domains.items() if had[name] and domain.varies}
    bounds = len(End) * sum(isinstance(domain, Range) for domain in varying.values())
    return [_region(name, domain, had[name], CHANCE / max(bounds, 1)) for name, domain in varying.items()]


def _region(name: str, domain: Domain, values: Sequence[Any], level: float) -> Region:
    top = tuple(values[:TOP])
    if isinstance(domain, Choices):
        return Region(name, domain, len(values), top)
    best = values[: max(TOP, math.ceil(BEST * len(values)))]
    end = _pressed(domain, values, level)
    return Region(
        name=name,
        domain=domain,
        trials=len(values),
        top=top,
        low=min(best),
        high=max(best),
        pressed=end,
        pressing=0 if end is None else sum(_is_near(domain, value, end) for value in top),
        open=end is not None and _may_move(name, domain, end),
    )


def _pressed(domain: Range, values: Sequence[float], level: float) -> End | None:
    """Return the end that better trials lie near more often than a random draw of the trials would.

    A sampler that learns crowds an end by itself. So chance is the hypergeometric tail over its own trials.
    """
    better = max(TOP, math.ceil(BETTER * len(values)))
    for end in End:
        near = [_is_near(domain, value, end) for value in values]
        tail = hypergeom.sf(sum(near[:better]) - 1, len(near), sum(near), min(better, len(near)))
        if sum(near[:TOP]) >= MOSTLY and tail <= level:
            return end
    return None


def _is_near(domain: Range, value: float, end: End) -> bool:
    place = domain.place(value)
    return place <= NEAR + ROUNDING if end is End.LOWER else place >= 1 - NEAR - ROUNDING


def _may_move(name: str, domain: Range, end: End) -> bool:
    """Return whether the bound can move by the edge's width: shares and counts end at 1, others at 0."""
    step = max(NEAR * (domain.high - domain.low), domain.step)
    if end is End.UPPER:
        return name.rpartition(".")[2] not in SHARES or domain.high + step <= 1
    if domain.log:
        return not domain.whole or domain.low > 1
    least = 1 if domain.whole and domain.low >= 1 else 0
    return domain.low < 0 or domain.low - step >= least
