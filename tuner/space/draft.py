"""Drafts: configs on their way to a trial, by the values of their parameters.

A draft follows given values as far as the space takes them, and asks another suggester for the rest. So one value can
be changed although branches and lengths depend on it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.runtime.kinds import is_same
from tuner.space.numeric_leaves import Spans
from tuner.space.scale import Scale
from tuner.space.space import Space
from tuner.space.suggest import Random, Suggester
from tuner.space.tree import Choice, Float, Int, Parameter

FARTHEST = 8
"""Number of steps from a value to the farthest one that is tried in its place."""

FINE = 100
"""Number of steps in a range without a step of its own."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A config that nobody trains yet: its parameters, and its values section by section."""

    params: Mapping[str, Any]
    values: dict[str, Any]


def drafted(space: Space, wanted: Mapping[str, Any], otherwise: Suggester) -> Draft:
    """Return the config with the wanted values, where a parameter takes them.

    Args:
        space: of the config.
        wanted: values by the names of parameters.
        otherwise: gives the other values.
    """
    following = _Following(wanted, otherwise)
    values = space.fill(following)
    return Draft(following.params, values)


class _Following:
    """Gives each parameter the wanted value, and notes what it gave."""

    def __init__(self, wanted: Mapping[str, Any], otherwise: Suggester) -> None:
        self._wanted = wanted
        self._otherwise = otherwise
        self.params: dict[str, Any] = {}

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return the wanted value if it is in the range."""
        value = self._wanted.get(name)
        if value is None or not low <= value <= high:
            value = self._otherwise.suggest_float(name, low, high, step=step, log=log)
        self.params[name] = found = float(value)
        return found

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return the wanted value if it is in the range."""
        value = self._wanted.get(name)
        if value is None or not low <= value <= high:
            value = self._otherwise.suggest_int(name, low, high, step=step, log=log)
        self.params[name] = found = int(value)
        return found

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the wanted value if it is one of the labels."""
        known = name in self._wanted and any(is_same(self._wanted[name], choice) for choice in choices)
        value = self._wanted[name] if known else self._otherwise.suggest_categorical(name, choices)
        self.params[name] = value
        return value


class Neighbours:
    """The configs around a draft, and all configs of a space, in an order that a seed decides.

    Args:
        space: of the configs.
        seed: decides the order, and the values of what a change brings along.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._random = random.Random(seed)
        self._otherwise = Random(seed)
        self._holes = {row.name: row.hole for row in space.parameters()}

    def around(self, draft: Draft) -> Iterator[Draft]:
        """Yield drafts that differ in one parameter, those with near values first."""
        names = list(draft.params)
        self._random.shuffle(names)
        others = {name: nearest_first(self._holes[name], draft.params[name]) for name in names}
        for _ in range(FARTHEST):
            for name in names:
                for value in itertools.islice(others[name], 1):
                    yield self._changed(draft, {name: value})

    def _changed(self, draft: Draft, change: Mapping[str, Any]) -> Draft:
        return drafted(self._space, {**draft.params, **change}, self._otherwise)

    def everywhere(self, most: int) -> Iterator[Draft]:
        """Yield the configs of the space, each once; a range without steps gives `FINE` values.

        Parts of the space in which a relation cannot hold are left out.

        Args:
            most: the number of drafts after which it ends, incomplete ones among them.
        """
        spans, drafts = Spans(self._space.tree), 0
        pending: list[Mapping[str, Any]] = [{}]
        while pending and drafts < most:
            chosen, drafts = pending.pop(), drafts + 1
            if any(spans.contradiction(relation, chosen) for relation in self._space.relations):
                continue
            draft = drafted(self._space, chosen, self._otherwise)
            name = next((name for name in draft.params if name not in chosen), None)
            if name is None:
                yield draft
                continue
            values = values_of(self._holes[name])
            shuffled = self._random.sample(values, min(len(values), most))
            pending += ({**chosen, name: value} for value in shuffled)


def values_of(hole: Parameter) -> Sequence[Any]:
    """Return the values of a hole; `FINE` steps of a range that has none."""
    match hole:
        case Choice():
            return hole.labels
        case Int(low, high, step):
            return range(low, high + 1, step)
        case Float(low, high, step):
            count = FINE if step is None else round((high - low) / step)
            return [value_at(hole, i / count) for i in range(count + 1)] if low < high else [low]


def nearest_first(hole: Parameter, value: Any) -> Iterator[Any]:
    """Yield the other values of a hole, those nearest to `value` first; of a range `FARTHEST` to each side."""
    match hole:
        case Choice():
            yield from (label for label in hole.labels if not is_same(label, value))
        case Int(low, high, step):
            for i in range(1, FARTHEST + 1):
                yield from (near for near in (value + i * step, value - i * step) if low <= near <= high)
        case Float(low, high, step):
            place = place_of(hole, value)
            width = 1 / FINE if step is None else step / (high - low) if low < high else 1
            for i in range(1, FARTHEST + 1):
                places = (place + i * width, place - i * width)
                yield from (value_at(hole, near) for near in places if -1e-9 <= near <= 1 + 1e-9)


def place_of(hole: Float | Int, value: float) -> float:
    """Return the place of a value in its range: 0 is the low end, 1 the high one."""
    return Scale(hole.low, hole.high, hole.log).place(value)


def value_at(hole: Float | Int, place: float) -> Any:
    """Return the value of a range at a place on its scale, on the grid of its step."""
    value = Scale(hole.low, hole.high, hole.log).value(place)
    if hole.step is not None and not (hole.log and isinstance(hole, Int)):
        value = hole.low + round((value - hole.low) / hole.step) * hole.step
    value = min(max(value, hole.low), hole.high)
    return round(value) if isinstance(hole, Int) else value
