"""A space with its holes filled by a sampler."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tuner.space.tree import Choice, Fixed, Float, Group, Int, Items, Ref, Repeat, Tree, join, lookup, parameters


class Suggester(Protocol):
    """Fills holes; an `optuna.Trial` is a suggester."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return a number in [low, high] for the parameter `name`."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return a whole number in [low, high] for the parameter `name`."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of `choices` for the parameter `name`."""
        ...


def suggest(tree: Tree, path: str, trial: Suggester) -> Any:
    """Return the plain value of a tree with its holes filled by `trial`; references stay `Ref` objects."""
    match tree:
        case Fixed(value):
            return value
        case Float(low, high, step, log):
            return float(trial.suggest_float(path, low, high, step=step, log=log))  # a sampler may give NumPy numbers
        case Int(low, high, step, log):
            return trial.suggest_int(path, low, high, step=step, log=log)
        case Choice():
            label = trial.suggest_categorical(path, tree.labels)
            return suggest(tree.branch(label), join(path, label), trial)
        case Repeat(element, length):
            count = suggest(length, join(path, "length"), trial)
            return [suggest(element, join(path, i), trial) for i in range(count)]
        case Group(entries):
            return {key: suggest(entry, join(path, key), trial) for key, entry in entries.items()}
        case Items(items):
            return [suggest(item, join(path, i), trial) for i, item in enumerate(items)]
        case Ref():
            return tree


def dereference(value: Any, root: Any) -> Any:
    """Replace each `Ref` in a suggested value by what stands at its target in `root`."""
    match value:
        case Ref(target):
            return dereference(lookup(root, target), root)
        case dict():
            return {key: dereference(item, root) for key, item in value.items()}
        case list():
            return [dereference(item, root) for item in value]
        case _:
            return value


class Random:
    """Samples each hole independently, uniformly on its own scale."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return a value in [low, high]."""
        if step is not None:
            return low + step * self._random.randrange(round((high - low) / step) + 1)
        if log:
            drawn = math.exp(self._random.uniform(math.log(low), math.log(high)))
        else:
            drawn = self._random.uniform(low, high)
        return min(max(drawn, low), high)

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return a whole number in [low, high]."""
        if log:
            return min(high, int(math.exp(self._random.uniform(math.log(low), math.log(high + 1)))))
        return self._random.randrange(low, high + 1, step)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of `choices`."""
        return self._random.choice(choices)


class Corner:
    """Takes the low or the high end of every range, and the requested or first label of every choice."""

    def __init__(self, high: bool, labels: Mapping[str, Any]) -> None:
        self._high = high
        self._labels = labels

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return `low` or `high`."""
        return high if self._high else low

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return `low` or `high`."""
        return high if self._high else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the requested label, else the first."""
        return self._labels.get(name, choices[0])


def corners(tree: Tree) -> Iterator[Corner]:
    """Yield both ends of all ranges, over configs that take every branch of every choice at least once."""
    forced: list[dict[str, Any]] = [{}]
    for row in parameters(tree):
        if isinstance(row.hole, Choice):
            around = {name: labels[-1] for name, labels in row.when.items()}
            forced += [{**around, row.name: label} for label in row.hole.labels[1:]]
    for labels in forced:
        yield Corner(False, labels)
        yield Corner(True, labels)


class Known:
    """Gives each parameter the value of a trial.

    Raises, when asked:
        KeyError: for a parameter that the trial did not have.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """Return the trial's value."""
        return float(self._values[name])

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return the trial's value."""
        return int(self._values[name])

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the trial's value."""
        return self._values[name]
