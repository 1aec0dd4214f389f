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

from tuner.study import Choices, Domain, Range, Record

TOP = 5
"""So many of the best trials are asked where they lie."""

NEAR = 0.05
"""Within this part of a range from its end a trial presses against it."""

CHANCE = 0.005
"""So likely it may be, at most, that as many of trials at random lie near an end: more is no sign. Of a range without
steps three of the best five are one."""

ROUNDING = 1e-9
"""Of a place in a range."""

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
            label, count = collections.Counter(map(str, self.top)).most_common(1)[0]
            return f"{label} in {count} of the top {len(self.top)}"
        return f"{self.low:.4g} to {self.high:.4g}" if self.low < self.high else f"{self.low:.4g}"


def regions(chosen: Sequence[Record], domains: dict[str, Domain], loss: Callable[[Record], float]) -> list[Region]:
    """Those of the parameters that vary and that some trial has.

    Args:
        chosen: complete trials with finite values.
        domains: what their parameters are drawn from.
        loss: how bad a trial is.
    """
    ranked = sorted(chosen, key=loss)
    found = []
    for name, domain in domains.items():
        values = [record.params[name] for record in ranked if name in record.params]
        if values and domain.varies:
            found.append(_region(name, domain, values))
    return found


def _region(name: str, domain: Domain, values: Sequence[Any]) -> Region:
    top = tuple(values[:TOP])
    if isinstance(domain, Choices):
        return Region(name, domain, len(values), top)
    best = values[: max(TOP, math.ceil(BEST * len(values)))]
    end, count = _pressed(domain, top)
    presses = len(values) > TOP and _likelihood(count, len(top), _share(domain, end)) <= CHANCE
    return Region(
        name=name,
        domain=domain,
        trials=len(values),
        top=top,
        low=min(best),
        high=max(best),
        pressed=end if presses else None,
        pressing=count if presses else 0,
        open=presses and _may_move(name, domain, end),
    )


def _pressed(domain: Range, top: Sequence[float]) -> tuple[End, int]:
    counts = {end: sum(_is_near(domain, value, end) for value in top) for end in End}
    end = max(counts, key=lambda each: counts[each])
    return end, counts[end]


def _share(domain: Range, end: End) -> float:
    """How much of a range is near its end: with steps, as they are drawn, more than without."""
    if not domain.step:
        return NEAR
    half = domain.step / 2
    wide = Range(domain.low - half, domain.high + half, domain.log, whole=False)
    bound, limit = (domain.low, NEAR) if end is End.LOWER else (domain.high, 1 - NEAR)
    steps = math.floor(abs(domain.value(limit) - bound) / domain.step + ROUNDING)
    if end is End.LOWER:
        return wide.place(bound + steps * domain.step + half)
    return 1 - wide.place(bound - steps * domain.step - half)


def _is_near(domain: Range, value: float, end: End) -> bool:
    place = domain.place(value)
    return place <= NEAR + ROUNDING if end is End.LOWER else place >= 1 - NEAR - ROUNDING


def _likelihood(count: int, of: int, share: float) -> float:
    """That so many or more of some trials at random lie in a share of a range."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))


def _may_move(name: str, domain: Range, end: End) -> bool:
    """Whether the bound can be moved by what counts as near: a share ends at 1, a number of things at 1, most at 0."""
    step = max(NEAR * (domain.high - domain.low), domain.step)
    if end is End.UPPER:
        return name.rpartition(".")[2] not in SHARES or domain.high + step <= 1
    if domain.log:
        return not domain.whole or domain.low > 1
    least = 1 if domain.whole and domain.low >= 1 else 0
    return domain.low < 0 or domain.low - step >= least
