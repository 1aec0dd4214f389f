"""A config carried over to another space: its parameters there, and the places where it does not fit.

Values are matched by their place in the resolved config, whatever the parameters' names. A fixed value may now be a
hole, and a choice may surround a single value.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.config import Scalar
from tuner.runtime.kinds import is_number
from tuner.space.diff import ABSENT, Source, ruling_of, same
from tuner.space.space import Space
from tuner.space.tree import Choice, Fixed, Float, Group, Int, Items, Ref, Repeat, Tree, describe, join
from tuner.space.validation import closed
from tuner.space.yaml_writer import flow


class Kind(enum.Enum):
    """A reason for a misfit: a value outside of the hole, no value for the hole, or another fixed value."""

    OUTSIDE = "outside"
    MISSING = "missing"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Misfit:
    """One place where a config does not fit.

    `name` is the parameter's name, or the path of a fixed value. `value` is the config's value and `here` the space's.
    `nearest` is the hole's nearest value, None if nothing is near.
    """

    kind: Kind
    name: str
    value: Any
    here: Tree
    nearest: float | None = None

    def __str__(self) -> str:
        match self.kind:
            case Kind.OUTSIDE:
                return f"{self.name} is outside {flow(describe(self.here))}"
            case Kind.MISSING:
                return f"{self.name} has no value there"
            case Kind.FIXED:
                return f"{self.name} is {flow(describe(self.here))} now"


@dataclass(frozen=True, slots=True)
class Carried:
    """The parameters that the space takes from a config, by name, and the misfits."""

    params: Mapping[str, Scalar]
    misfits: tuple[Misfit, ...] = ()

    def of(self, kind: Kind) -> list[Misfit]:
        """Return the misfits of a kind."""
        return [misfit for misfit in self.misfits if misfit.kind is kind]


def carry(space: Space, source: Source) -> Carried:
    """Return the parameters that the space takes from a config, where trials of it may differ."""
    ruling = ruling_of(space)
    carrier = _Carrier(source.labels)
    parts: list[Carried] = []
    for name, tree in space.tree.entries.items():
        value = source.values.get(name, ABSENT)
        if not closed(name, ruling):
            parts.append(carrier.carry(tree, name, name, value))
        elif isinstance(tree, Group) and isinstance(value, dict):
            open_ = {key: entry for key, entry in tree.entries.items() if not closed(join(name, key), ruling)}
            parts.append(carrier.entries(open_, name, name, value))
    return _joined(parts)


@dataclass(frozen=True, slots=True)
class _Carrier:
    """Walks a tree and a config side by side.

    A place has a path in the config. Its name in the tree is that path with the labels of choices.
    """

    labels: Mapping[str, tuple[Scalar, ...]]

    def carry(self, tree: Tree, name: str, path: str, value: Any) -> Carried:
        match tree:
            case Fixed(here):
                return Carried({}, () if same(here, value) else (Misfit(Kind.FIXED, name, value, tree),))
            case Ref():
                return Carried({})
            case Float() | Int():
                return _number(tree, name, value)
            case Choice():
                return self._choice(tree, name, path, value)
            case Repeat():
                return self._list(tree, name, path, value)
            case Group(entries):
                return self.entries(entries, name, path, value if _could_be(tree, value) else _type_of(value))
            case Items(items):
                return self._items(items, name, path, value if isinstance(value, list) else [])

    def entries(self, entries: Mapping[str, Tree], name: str, path: str, values: Mapping[str, Any]) -> Carried:
        there = {key: values.get(key, ABSENT) for key in entries}
        return _joined(self.carry(entries[key], join(name, key), join(path, key), there[key]) for key in entries)

    def _items(self, items: Sequence[Tree], name: str, path: str, values: list[Any]) -> Carried:
        padded = [*values, *[ABSENT] * len(items)]
        return _joined(self.carry(item, join(name, i), join(path, i), padded[i]) for i, item in enumerate(items))

    def _choice(self, hole: Choice, name: str, path: str, value: Any) -> Carried:
        """Carry a value into the branch of its old label if it fits there, else into the best one."""
        if value is ABSENT:
            return Carried({}, (Misfit(Kind.MISSING, name, value, hole),))
        possible = [branch for branch in hole.branches if _could_be(branch.tree, value)]
        if not possible:
            return Carried({}, (Misfit(Kind.OUTSIDE, name, _called(value), hole, _nearest_label(hole, value)),))
        known = [branch for branch in possible if branch.label in self.labels.get(path, ())] or possible
        tried = [(each.label, self.carry(each.tree, join(name, each.label), path, value)) for each in known]
        label, inside = min(tried, key=lambda one: len(one[1].misfits))
        return Carried({name: label, **inside.params}, inside.misfits)

    def _list(self, hole: Repeat, name: str, path: str, value: Any) -> Carried:
        """Carry a list into the longest one that the space allows; further elements are dropped."""
        if not isinstance(value, list):
            return Carried({}, (Misfit(Kind.MISSING, name, value, hole),))
        length = self.carry(hole.length, join(name, "length"), join(path, "length"), len(value))
        counts = [len(value), *(misfit.nearest for misfit in length.misfits if misfit.nearest is not None)]
        count = hole.length.value if isinstance(hole.length, Fixed) else counts[-1]
        # a length is a whole number
        return _joined([length, self._items([hole.element] * int(count), name, path, value)])  # type: ignore[arg-type]


def _number(hole: Float | Int, name: str, value: Any) -> Carried:
    if value is ABSENT:
        return Carried({}, (Misfit(Kind.MISSING, name, value, hole),))
    if hole.holds(value):
        return Carried({name: float(value) if isinstance(hole, Float) else value})
    return Carried({}, (Misfit(Kind.OUTSIDE, name, _called(value), hole, _nearest(hole, value)),))


def _nearest(hole: Float | Int, value: Any) -> float | None:
    if not is_number(value):
        return None
    inside = min(max(value, hole.low), hole.high)
    if hole.step is not None:
        stepped = hole.low + hole.step * round((inside - hole.low) / hole.step)
        inside = min(max(stepped, hole.low), hole.high)  # 0.1 + 6 * 0.1 is more than 0.7
    return float(inside) if isinstance(hole, Float) else int(inside)


def _nearest_label(hole: Choice, value: Any) -> float | None:
    if not is_number(value):
        return None
    numbers = [label for label in hole.labels if isinstance(label, int | float) and not isinstance(label, bool)]
    return min(numbers, key=lambda label: abs(label - value), default=None)


def _joined(parts: Iterable[Carried]) -> Carried:
    parts = list(parts)
    params = {name: value for part in parts for name, value in part.params.items()}
    return Carried(params, tuple(misfit for part in parts for misfit in part.misfits))


def _could_be(tree: Tree, value: Any) -> bool:
    """Return whether a tree can give a value; the `type` decides for a mapping, being one for a list."""
    match tree:
        case Fixed(here):
            return same(here, value)
        case Choice(branches):
            return any(_could_be(branch.tree, value) for branch in branches)
        case Group(entries):
            typed = "type" not in entries or isinstance(entries["type"], Ref)
            return isinstance(value, dict) and (typed or _could_be(entries["type"], value.get("type", ABSENT)))
        case Items() | Repeat():
            return isinstance(value, list)
        case Float() | Int():
            return is_number(value)
        case Ref():
            return True


def _type_of(value: Any) -> dict[str, Any]:
    """Return a mapping of another class without its arguments, which have another meaning."""
    return {"type": value["type"]} if isinstance(value, dict) and "type" in value else {}


def _called(value: Any) -> Any:
    """Return the class's name in place of a mapping, as for the labels of a choice."""
    return value["type"] if isinstance(value, dict) and "type" in value else value
