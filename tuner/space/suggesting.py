"""A space with its holes filled: what asking a sampler for each of them gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tuner.space.holes import Choice, Fixed, Float, Group, Int, Items, Ref, Repeat, Tree, join, lookup


class Suggester(Protocol):
    """Whoever fills holes; an `optuna.Trial` is one."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None, log: bool) -> float:
        """A number in [low, high] for the parameter `name`."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """A whole number in [low, high] for the parameter `name`."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of `choices` for the parameter `name`."""
        ...


def suggest(tree: Tree, path: str, trial: Suggester) -> Any:
    """The plain value of a tree with its holes filled by `trial`; references are left as `Ref`."""
    match tree:
        case Fixed(value):
            return value
        case Float(low, high, step, log):
            return trial.suggest_float(path, low, high, step=step, log=log)
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
