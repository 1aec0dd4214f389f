"""Fillers of holes besides a study: at random, at the ends of every range, and with known values."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tuner.space.holes import Choice, Tree, parameters


class Random:
    """Samples each hole for itself, uniformly on its own scale."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """A value in [low, high]."""
        if step is not None:
            return low + step * self._random.randrange(round((high - low) / step) + 1)
        if log:
            drawn = math.exp(self._random.uniform(math.log(low), math.log(high)))
        else:
            drawn = self._random.uniform(low, high)
        return min(max(drawn, low), high)

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """A whole number in [low, high]."""
        if log:
            return min(high, int(math.exp(self._random.uniform(math.log(low), math.log(high + 1)))))
        return self._random.randrange(low, high + 1, step)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of `choices`."""
        return self._random.choice(choices)


class Corner:
    """Takes the low or the high end of every range; of a choice the label asked for, else the first."""

    def __init__(self, high: bool, labels: Mapping[str, Any]) -> None:
        self._high = high
        self._labels = labels

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """`low` or `high`."""
        return high if self._high else low

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """`low` or `high`."""
        return high if self._high else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """The label asked for, else the first."""
        return self._labels.get(name, choices[0])


def corners(tree: Tree) -> Iterator[Corner]:
    """Both ends of every range, over configs in which every branch of every choice is taken at least once."""
    forced: list[dict[str, Any]] = [{}]
    for row in parameters(tree):
        if isinstance(row.hole, Choice):
            around = {name: labels[-1] for name, labels in row.when.items()}
            forced += [{**around, row.name: label} for label in row.hole.labels[1:]]
    for labels in forced:
        yield Corner(False, labels)
        yield Corner(True, labels)


class Known:
    """Gives each parameter the value that a trial had.

    Raises, when asked:
        KeyError: for a parameter that the trial did not have.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """The trial's value."""
        return float(self._values[name])

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """The trial's value."""
        return int(self._values[name])

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """The trial's value."""
        return self._values[name]
