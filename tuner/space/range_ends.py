"""The ends of ranges that refer to other values: `{int: [1, {ref: model.width}]}`.

A sampler needs a range of numbers. So the end is the least or the largest number that may stand at the path. A relation
keeps each config within the value that it has there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from tuner.errors import Fault
from tuner.space.numeric_leaves import Leaf, leaves
from tuner.space.tree import Branch, Choice, Ends, Float, Group, Int, Items, Repeat, Tree, children, join


def with_ends(root: Group, faults: list[Fault]) -> Group:
    """Return the space with numbers in place of ends that refer, and add the faults of those that cannot.

    Args:
        root: the space as it was parsed.
        faults: of the space.
    """
    if not has_ends(root):
        return root
    found = _Found(list(leaves(root)))
    entries = {key: _replaced(entry, key, found.settled) for key, entry in root.entries.items()}
    faults += found.faults
    return replace(root, entries=entries)


def has_ends(tree: Tree) -> bool:
    """Return whether a range of a tree refers to another value."""
    match tree:
        case Float(ends=ends) | Int(ends=ends):
            return bool(ends)
        case Choice(branches):
            return any(has_ends(branch.tree) for branch in branches)
        case Repeat(element):
            return has_ends(element)
        case _:
            return any(has_ends(child) for _, child in children(tree))


def _replaced(tree: Tree, path: str, settled: Callable[[Float | Int, str], Float | Int]) -> Tree:
    match tree:
        case Float() | Int():
            return settled(tree, path) if tree.ends else tree
        case Choice(branches):
            inner = (Branch(each.label, _replaced(each.tree, join(path, each.label), settled)) for each in branches)
            return replace(tree, branches=tuple(inner))
        case Repeat(element):
            return replace(tree, element=_replaced(element, join(path, 0), settled))
        case Group(entries):
            return replace(
                tree, entries={key: _replaced(each, join(path, key), settled) for key, each in entries.items()}
            )
        case Items(items):
            return replace(tree, items=tuple(_replaced(each, join(path, i), settled) for i, each in enumerate(items)))
        case _:
            return tree


class _Found:
    """The ranges of a space with their ends, as far as they are known."""

    def __init__(self, known: list[Leaf]) -> None:
        self._known = known
        self.faults: list[Fault] = []

    def settled(self, hole: Float | Int, path: str) -> Float | Int:
        """Return a range with numbers at both ends."""
        spans = [self._span(end, frozenset({path})) for end in (hole.ends.low, hole.ends.high)]
        for end, span in zip((hole.ends.low, hole.ends.high), spans, strict=True):
            if end and span is None:
                self._fault(hole, path, f"ref {end}: there is no range or number, so it can be no end of a range")
                return replace(hole, ends=Ends())
        low = spans[0][0] if spans[0] is not None else hole.low
        high = spans[1][1] if spans[1] is not None else hole.high
        if isinstance(hole, Int):
            low, high = math.ceil(low), math.floor(high)
        if hole.step is not None:
            high = low + math.floor((high - low) / hole.step + 1e-9) * hole.step
        if low > high:
            self._fault(hole, path, f"the range is empty: it begins at {low:g} and ends at {high:g}")
        elif hole.log and low <= 0:
            self._fault(hole, path, f"a log range starts above 0, not at {low:g}")
        if isinstance(hole, Int):
            return replace(hole, low=int(low), high=int(high))
        return replace(hole, low=low, high=high)

    def _fault(self, hole: Float | Int, path: str, message: str) -> None:
        self.faults.append(Fault(hole.place, path, message))

    def _span(self, path: str, seen: frozenset[str]) -> tuple[float, float] | None:
        """Return the least and the largest number at a path, through further ranges that refer."""
        there = [leaf for leaf in self._known if path in (leaf.path, leaf.name)]
        if not path or not there or path in seen:
            return None
        lows, highs = [], []
        for leaf in there:
            ends = leaf.hole.ends if isinstance(leaf.hole, Float | Int) else Ends()
            low = self._span(ends.low, seen | {path}) if ends.low else (leaf.low, leaf.high)
            high = self._span(ends.high, seen | {path}) if ends.high else (leaf.low, leaf.high)
            if low is None or high is None or not math.isfinite(low[0]) or not math.isfinite(high[1]):
                return None
            lows.append(low[0])
            highs.append(high[1])
        return min(lows), max(highs)
