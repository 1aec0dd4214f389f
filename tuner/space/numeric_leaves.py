"""The numbers of a space by their paths, with the least and the largest value of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.config import Scalar
from tuner.runtime.kinds import is_number
from tuner.space.relations import Relation, Span
from tuner.space.tree import Choice, Fixed, Float, Int, Ref, Repeat, Tree, children, join, lengths


@dataclass(frozen=True, slots=True)
class Leaf:
    """A place of the space that may have a number.

    Attributes:
        name: as a parameter has it, with the labels of branches.
        path: in the resolved config.
        low: the least number.
        high: the largest one; both are infinite for a ref.
        when: the labels of other parameters without which it is not there.
        always: whether it has a number wherever it is there.
        hole: what stands there.
    """

    name: str
    path: str
    low: float
    high: float
    when: Mapping[str, tuple[Scalar, ...]]
    always: bool
    hole: Tree


def leaves(
    tree: Tree, name: str = "", path: str = "", when: Mapping[str, tuple[Scalar, ...]] | None = None
) -> Iterator[Leaf]:
    """Yield every leaf of a tree that may have a number."""
    when = when or {}
    match tree:
        case Fixed(value) if is_number(value):
            yield Leaf(name, path, float(value), float(value), when, True, tree)  # type: ignore[arg-type]  # a number
        case Float(low, high) | Int(low, high):
            yield Leaf(name, path, low, high, when, True, tree)
        case Ref():
            yield Leaf(name, path, -math.inf, math.inf, when, False, tree)
        case Choice(branches):
            numbers: list[Any] = [label for label in tree.labels if is_number(label)]
            if numbers and all(isinstance(branch.tree, Fixed) for branch in branches):
                yield Leaf(name, path, min(numbers), max(numbers), when, len(numbers) == len(branches), tree)
                return
            for branch in branches:
                yield from leaves(branch.tree, join(name, branch.label), path, {**when, name: (branch.label,)})
        case Repeat(element, length):
            yield from leaves(length, join(name, "length"), join(path, "length"), when)
            counts = lengths(length)
            for i in range(max(counts)):
                enough: tuple[Scalar, ...] = tuple(count for count in counts if count > i)
                sometimes = {} if len(enough) == len(counts) else {join(name, "length"): enough}
                yield from leaves(element, join(name, i), join(path, i), {**when, **sometimes})
        case _:
            for key, child in children(tree):
                yield from leaves(child, join(name, key), join(path, key), when)


class Spans:
    """The numbers that stand at the paths of a space, where some parameters may be chosen already."""

    def __init__(self, tree: Tree) -> None:
        self._leaves: dict[str, list[Leaf]] = {}
        for leaf in leaves(tree):
            for path in {leaf.name, leaf.path}:
                self._leaves.setdefault(path, []).append(leaf)

    def __contains__(self, path: str) -> bool:
        return path in self._leaves

    def __iter__(self) -> Iterator[str]:
        return iter(self._leaves)

    def names(self, path: str) -> list[str]:
        """Return the parameters that give the number at a path."""
        return [leaf.name for leaf in self._leaves.get(path, ()) if isinstance(leaf.hole, Float | Int | Choice)]

    def refers(self, path: str) -> bool:
        """Return whether a ref may stand at a path."""
        return any(isinstance(leaf.hole, Ref) for leaf in self._leaves.get(path, ()))

    def meet(self, paths: Sequence[str]) -> bool:
        """Return whether some config has a number at each of the paths."""
        found: list[Mapping[str, tuple[Scalar, ...]]] = [{}]
        for path in paths:
            both = [_both(when, leaf.when) for when in found for leaf in self._leaves.get(path, ())]
            found = list({repr(when): when for when in both if all(when.values())}.values())
        return bool(found)

    def contradiction(self, relation: Relation, chosen: Mapping[str, Any], present: bool = False) -> str:
        """Return why no config with the chosen parameters keeps a relation; empty if one may.

        Args:
            relation: of the space.
            chosen: values by the names of parameters.
            present: whether to look only at configs that have all paths of the relation.
        """
        if not present and not all(self._is_there(path.name, chosen) for path in relation.paths):
            return ""
        return relation.contradiction(lambda path: self._span(path, chosen))

    def _is_there(self, path: str, chosen: Mapping[str, Any]) -> bool:
        """Return whether each config with the chosen parameters has a number at a path."""
        return any(
            (leaf.always or is_number(chosen.get(leaf.name)))
            and all(name in chosen and chosen[name] in labels for name, labels in leaf.when.items())
            for leaf in self._leaves.get(path, ())
        )

    def _span(self, path: str, chosen: Mapping[str, Any]) -> Span | None:
        possible = [
            leaf
            for leaf in self._leaves.get(path, ())
            if all(name not in chosen or chosen[name] in labels for name, labels in leaf.when.items())
        ]
        lows = [chosen.get(leaf.name, leaf.low) for leaf in possible]
        highs = [chosen.get(leaf.name, leaf.high) for leaf in possible]
        if not possible or not all(is_number(end) and math.isfinite(end) for end in [*lows, *highs]):
            return None
        return min(lows), max(highs)


def _both(
    some: Mapping[str, tuple[Scalar, ...]], others: Mapping[str, tuple[Scalar, ...]]
) -> dict[str, tuple[Scalar, ...]]:
    """Return the labels that two conditions leave; none of a parameter on which they differ."""
    shared = {name: tuple(label for label in some[name] if label in others[name]) for name in some.keys() & others}
    return {**some, **others, **shared}
