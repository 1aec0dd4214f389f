"""The tree of a space: fixed values and holes.

Parameters are named by dotted config paths. A choice of mappings inserts the label of the chosen branch
(`optimizer.AdamW.lr`), a list the position (`model.hidden.0`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tuner.config import Scalar
from tuner.errors import Place
from tuner.runtime.kinds import is_same


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that no trial changes."""

    value: Scalar
    place: Place


@dataclass(frozen=True, slots=True)
class Ends:
    """The config paths that the ends of a range refer to; an empty one is a number."""

    low: str = ""
    high: str = ""

    def __bool__(self) -> bool:
        return bool(self.low or self.high)


@dataclass(frozen=True, slots=True)
class Float:
    """A number in [low, high], both included; `step` None is continuous.

    An end that refers to another value is the least or the largest number there. `ends` has its path. `around` is where
    its prior expects good values; None is no prior.
    """

    low: float
    high: float
    step: float | None
    log: bool
    place: Place
    ends: Ends = Ends()
    around: float | None = None

    def holds(self, value: object) -> bool:
        """Return whether this hole can take `value`."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        # `number` has narrowed it
        return number and self.low <= value <= self.high and _on_grid(value - self.low, self.step)  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number in [low, high], both included; `ends` and `around` as those of `Float`."""

    low: int
    high: int
    step: int
    log: bool
    place: Place
    ends: Ends = Ends()
    around: int | None = None

    def holds(self, value: object) -> bool:
        """Return whether this hole can take `value`."""
        whole = isinstance(value, int) and not isinstance(value, bool)
        # `whole` has narrowed it
        return whole and self.low <= value <= self.high and (value - self.low) % self.step == 0  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of a choice, under its label in the study."""

    label: Scalar
    tree: Tree


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values or sub-spaces; `around` is the label of its prior, or None."""

    branches: tuple[Branch, ...]
    place: Place
    around: Scalar = None

    @property
    def labels(self) -> tuple[Scalar, ...]:
        """The values that the sampler chooses from."""
        return tuple(branch.label for branch in self.branches)

    def holds(self, value: object) -> bool:
        """Return whether `value` is one of the labels; true is not 1."""
        return any(is_same(label, value) for label in self.labels)

    def branch(self, label: object) -> Tree:
        """Return the alternative under `label`."""
        return next(branch.tree for branch in self.branches if branch.label == label)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A list of tuned length; each element is filled independently."""

    element: Tree
    length: Int | Choice | Fixed
    place: Place


@dataclass(frozen=True, slots=True)
class Ref:
    """The value at another place of the resolved config."""

    target: str
    place: Place


@dataclass(frozen=True, slots=True)
class Group:
    """A mapping; `keys` has the place of each key."""

    entries: Mapping[str, Tree]
    keys: Mapping[str, Place]
    place: Place


@dataclass(frozen=True, slots=True)
class Items:
    """A list of fixed length."""

    items: tuple[Tree, ...]
    place: Place


Tree: TypeAlias = Fixed | Float | Int | Choice | Repeat | Ref | Group | Items
Parameter: TypeAlias = Float | Int | Choice


def lookup(root: Any, path: str) -> Any:
    """Return the value at a dotted path of a plain config.

    Raises:
        LookupError: the path does not exist.
    """
    for part in path.split("."):
        root = root[int(part)] if isinstance(root, list) and is_index(part) else root[part]
    return root


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter of the study; `when` maps other parameters to the labels that it needs."""

    name: str
    hole: Parameter
    when: Mapping[str, tuple[Scalar, ...]]


def parameters(tree: Tree, path: str = "", when: Mapping[str, tuple[Scalar, ...]] | None = None) -> Iterator[Row]:
    """Yield every parameter that some trial may have, in the order of the file."""
    when = when or {}
    match tree:
        case Float() | Int():
            yield Row(path, tree, when)
        case Choice(branches):
            yield Row(path, tree, when)
            for branch in branches:
                yield from parameters(branch.tree, join(path, branch.label), {**when, path: (branch.label,)})
        case Repeat(element, length):
            yield from parameters(length, join(path, "length"), when)
            counts = lengths(length)
            for i in range(max(counts)):
                enough: tuple[Scalar, ...] = tuple(count for count in counts if count > i)
                sometimes = {} if len(enough) == len(counts) else {join(path, "length"): enough}
                yield from parameters(element, join(path, i), {**when, **sometimes})
        case Group() | Items():
            for key, child in children(tree):
                yield from parameters(child, join(path, key), when)


def children(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield the children of a mapping or a list of fixed length, by key or position."""
    if isinstance(tree, Group):
        yield from tree.entries.items()
    elif isinstance(tree, Items):
        yield from ((str(i), item) for i, item in enumerate(tree.items))


def is_fixed(tree: Tree) -> bool:
    """Return whether no trial changes anything in a tree."""
    if isinstance(tree, Group | Items):
        return all(is_fixed(child) for _, child in children(tree))
    return isinstance(tree, Fixed)


def lengths(length: Int | Choice | Fixed) -> list[int]:
    """Return every possible length of a tuned list."""
    match length:
        case Int(low, high, step):
            return list(range(low, high + 1, step))
        case Choice():
            return [int(label) for label in length.labels]  # type: ignore[arg-type]  # a length is a whole number
        case Fixed(value):
            return [int(value)]  # type: ignore[arg-type]  # a length is a whole number


def size(tree: Tree) -> float:
    """Return the number of different configs; infinity if a hole is continuous."""
    match tree:
        case Float(low, high, step):
            return 1 if low == high else math.inf if step is None else round((high - low) / step) + 1
        case Int(low, high, step):
            return (high - low) // step + 1
        case Choice(branches):
            return sum(size(branch.tree) for branch in branches)
        case Repeat(element, length):
            return sum(_power(size(element), count) for count in lengths(length))
        case Group() | Items():
            return math.prod(size(child) for _, child in children(tree))
        case Fixed() | Ref():
            return 1


def describe(tree: Tree) -> Any:
    """Return the tree in the space language, as plain values; priors are left out, they change no config."""
    match tree:
        case Fixed(value):
            return value
        case Float(_, _, step, log):
            return {"float": _range(tree), **({"step": step} if step else {}), **({"log": True} if log else {})}
        case Int(_, _, step, log):
            return {"int": _range(tree), **({"step": step} if step > 1 else {}), **({"log": True} if log else {})}
        case Choice(branches):
            return {"choice": [describe(branch.tree) for branch in branches]}
        case Repeat(element, length):
            return {"list": describe(element), "length": describe(length)}
        case Ref(target):
            return {"ref": target}
        case Group(entries):
            return {key: describe(entry) for key, entry in entries.items()}
        case Items(items):
            return [describe(item) for item in items]


def _range(hole: Float | Int) -> list[Any]:
    low, high = hole.ends.low, hole.ends.high
    return [{"ref": low} if low else hole.low, {"ref": high} if high else hole.high]


def extremes(tree: Tree) -> Iterator[tuple[Place, Any]]:
    """Yield the extreme values of a tree: both ends of each range, every branch."""
    match tree:
        case Fixed(value, place):
            yield place, value
        case Float(low, high) | Int(low, high):
            yield tree.place, low
            yield tree.place, high
        case Choice(branches):
            for branch in branches:
                yield from extremes(branch.tree)
        case Items(items, place):
            yield place, list(items)
        case Group(entries, _, place):
            yield place, dict(entries)
        case Repeat():
            yield tree.place, [tree.element]
        case Ref():
            pass


def is_index(part: str) -> bool:
    """Return whether a part of a path is a position in a list."""
    return part.isascii() and part.isdecimal()


def join(path: str, key: object) -> str:
    """Return the path of `key` inside `path`; null, true and false are written as in YAML."""
    word = key if isinstance(key, str) else json.dumps(key)
    return f"{path}.{word}" if path else word


def _power(base: float, exponent: int) -> float:
    try:
        return float(base) ** exponent
    except OverflowError:
        return math.inf


def _on_grid(offset: float, step: float | None) -> bool:
    return step is None or math.isclose(offset / step, round(offset / step), abs_tol=1e-6)
