"""Regions: where in each parameter's domain the best trials lie, and whether they press against a bound of it.

A parameter of one branch is looked at among the trials of that branch. Distances are measured on the parameter's
own scale, on a log one where it was searched so.
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
"""So many of the best trials are asked where they lie."""

NEAR = 0.1
"""Within this fraction of a range from its end a trial presses against it."""

MOSTLY = 3
"""The fewest of the best `TOP` that press against a bound that is to be widened."""

BETTER = 0.3
"""The better trials: if they lie no nearer to a bound than chance puts them there, it is not pressed against. In
simulations of TPE a smaller part misses more bounds: where many trials lie at one, the best few of any draw do."""

CHANCE = 0.05
"""The probability that any bound of a study counts as pressed against where no parameter matters."""

ROUNDING = 1e-9
"""Tolerance for a place in a range."""

BEST = 0.1
"""The region is that of so many of the trials, of `TOP` at least."""

SHARES = {"dropout", "p", "momentum", "dampening", "label_smoothing", "alpha", "rho", "gamma", "ema", "pct_start"}
"""What parameters are called, by the last part of their names, that cannot be more than 1."""


class End(enum.Enum):
    """Of a range."""

    LOWER = "lower"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Region:
    """A parameter's.

    `top` are its values in the best `TOP` of the `trials` that have it, the best first; `low` and `high` hold the
    best tenth of them, None where it is a choice. `pressed` is the end that the best press against, `pressing` how
    many of them do, and `open` whether the parameter's meaning lets the bound be moved.
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
        """What to do about a bound that is pressed against; empty where there is nothing to do."""
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
        """Where the best lie, in a few words."""
        if self.low is None or self.high is None:
            label, count = collections.Counter(map(value_text, self.top)).most_common(1)[0]
            return f"{label} in {count} of the top {len(self.top)}"
        return f"{rounded(self.low)} to {rounded(self.high)}" if self.low < self.high else rounded(self.low)


def regions(chosen: Sequence[Record], domains: dict[str, Domain], loss: Callable[[Record], float]) -> list[Region]:
    """Those of the parameters that vary and that some trial has.

    Args:
        chosen: complete trials with finite values.
        domains: what their parameters are drawn from.
        loss: how bad a trial is.
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
    """The end near which the better trials lie more often than as many drawn from those that were sampled would.

    A sampler that learns crowds an end by itself, so that chance is the hypergeometric tail over its own trials.
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
    """Whether the bound can be moved by what counts as near: a share ends at 1, a number of things at 1, most at 0."""
    step = max(NEAR * (domain.high - domain.low), domain.step)
    if end is End.UPPER:
        return name.rpartition(".")[2] not in SHARES or domain.high + step <= 1
    if domain.log:
        return not domain.whole or domain.low > 1
    least = 1 if domain.whole and domain.low >= 1 else 0
    return domain.low < 0 or domain.low - step >= least
