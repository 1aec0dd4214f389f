"""From the nodes of a document to the tree of a space: it finds the holes and their faults."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tuner.errors import Fault, Place, did_you_mean, listing
from tuner.runtime.kinds import is_number
from tuner.space import yaml_document, yaml_writer
from tuner.space.tree import (
    Branch,
    Choice,
    Ends,
    Fixed,
    Float,
    Group,
    Int,
    Items,
    Ref,
    Repeat,
    Tree,
    describe,
    join,
    lengths,
)
from tuner.space.yaml_document import LARGEST_INT, Node, Scalar, Sequence, Table

COMPANIONS = {
    "float": {"float", "step", "log", "prior"},
    "int": {"int", "step", "log", "prior"},
    "choice": {"choice", "prior"},
    "list": {"list", "length"},
    "ref": {"ref"},
}
"""The reserved keys, each with the keys that may stand beside it."""

LONGEST = 1000
_Number = TypeVar("_Number", int, float)


class Parser:
    """Builds trees and collects all their faults; a faulty hole becomes a fixed null.

    Args:
        closed: returns why no hole may stand at a path; empty if one may.
    """

    def __init__(self, closed: Callable[[str], str]) -> None:
        self.closed = closed
        self.faults: list[Fault] = []

    def tree(self, node: Node, path: str) -> Tree:
        """Return the tree of a node at `path`."""
        match node:
            case Scalar(value):
                return Fixed(value, node.span.place)
            case Sequence(items):
                parsed = tuple(self.tree(item, join(path, i)) for i, item in enumerate(items))
                return Items(parsed, node.span.place)
            case Table(entries) if reserved := [key for key in entries if key in COMPANIONS]:
                if reason := self.closed(path):
                    return self._fault(node, path, f"no hole may stand here: {reason}")
                return self._hole(node, reserved, path)
            case Table():
                return self._group(node, path)

    def _fault(self, at: Node | Place, path: str, message: str) -> Fixed:
        place = at if isinstance(at, Place) else at.span.place
        self.faults.append(Fault(place, path, message))
        return Fixed(None, place)

    def _group(self, table: Table, path: str) -> Tree:
        for key in table.entries:
            if "." in key and not self.closed(path):
                self._fault(table.keys[key], path, f"{key}: a key has no dots, they separate the parts of a path")
            if self._is_misspelt_hole(key, table):
                hint = did_you_mean(key, COMPANIONS, cutoff=0.75)
                return self._fault(table.keys[key], path, f"{key} is not a kind of hole{hint}")
        entries = {key: self.tree(entry, join(path, key)) for key, entry in table.entries.items()}
        return Group(entries, table.keys, table.span.place)

    def _is_misspelt_hole(self, key: str, table: Table) -> bool:
        """Return whether a key is nearly a reserved word, with a list and no other keys than its hole takes."""
        near = difflib.get_close_matches(key.lower(), COMPANIONS, n=1, cutoff=0.75)
        alone = bool(near) and table.entries.keys() - {key} <= COMPANIONS[near[0]]
        return alone and isinstance(table.entries[key], Sequence)

    def _hole(self, table: Table, reserved: list[str], path: str) -> Tree:
        kind = reserved[0]
        if len(reserved) > 1:
            return self._fault(table, path, f"one hole is either {' or '.join(reserved)}, not both")
        for key in table.entries:
            if key not in COMPANIONS[kind]:
                known = listing(sorted(COMPANIONS[kind] - {kind})) if len(COMPANIONS[kind]) > 1 else "nothing"
                hint = did_you_mean(key, COMPANIONS[kind])
                message = f"{key} does not belong to {kind}, a reserved word that takes {known}{hint}"
                self._fault(table.keys[key], join(path, key), message)
        match kind:
            case "float":
                return self._with_prior(self._float(table, path), table, path)
            case "int":
                return self._with_prior(self._int(table, path), table, path)
            case "choice":
                return self._with_prior(self._choice(table, path), table, path)
            case "list":
                return self._list(table, path)
            case _:
                return self._ref(table, path)

    def _float(self, table: Table, path: str) -> Tree:
        bounds, ends = self._bounds(table, "float", path, float)
        step = self._step(table, path, float)
        log = self._log(table, path)
        if bounds is None:
            return Fixed(None, table.span.place)
        if log and step is not None:
            return self._fault(table, path, "log and step exclude each other: drop one")
        if ends:
            return Float(*bounds, step, log, table.span.place, ends)
        if log and bounds[0] <= 0:
            return self._fault(table, path, f"a log range starts above 0, not at {bounds[0]:g}")
        hole = Float(*bounds, step, log, table.span.place)
        if step is not None and (hole.high - hole.low) / step > LARGEST_INT:
            return self._fault(
                table, path, f"step {step:g} is too fine for the range from {hole.low:g} to {hole.high:g}"
            )
        if step is not None and not hole.holds(hole.high):
            return self._fault(
                table, path, f"step {step:g} does not divide the range from {hole.low:g} to {hole.high:g}"
            )
        return hole

    def _int(self, table: Table, path: str) -> Tree:
        bounds, ends = self._bounds(table, "int", path, int)
        step = self._step(table, path, int)
        log = self._log(table, path)
        if bounds is None:
            return Fixed(None, table.span.place)
        if log and step is not None:
            return self._fault(table, path, "log and step exclude each other: drop one")
        if ends:
            return Int(*bounds, step or 1, log, table.span.place, ends)
        if log and bounds[0] < 1:
            return self._fault(table, path, f"a log range of whole numbers starts at 1 or above, not at {bounds[0]}")
        low, high = bounds
        if step is not None and (high - low) % step:
            near = high - (high - low) % step
            message = f"step {step} does not divide the range from {low} to {high}: end it at {near} or {near + step}"
            return self._fault(table, path, message)
        return Int(low, high, step or 1, log, table.span.place)

    def _bounds(
        self, table: Table, kind: str, path: str, number: type[_Number]
    ) -> tuple[tuple[_Number, _Number] | None, Ends]:
        """Return the ends of a range as numbers, 0 for one that refers, and the paths of those that refer."""
        node = table.entries[kind]
        if not isinstance(node, Sequence) or len(node.items) != 2:
            self._fault(node, path, f"{kind} takes [low, high]")
            return None, Ends()
        ends = Ends(*(_target(item) for item in node.items))
        low, high = (number(0) if _target(item) else self._number(item, path, number, kind) for item in node.items)
        if low is None or high is None:
            return None, ends
        if low > high and not ends:
            self._fault(node, path, f"low {low:g} is above high {high:g}: swap them")
            return None, ends
        return (low, high), ends

    def _number(self, node: Node, path: str, number: type[_Number], what: str) -> _Number | None:
        value = node.value if isinstance(node, Scalar) else None
        wanted = int if number is int else int | float
        if isinstance(value, bool) or not isinstance(value, wanted):
            article = "a whole number" if number is int else "a number"
            self._fault(node, path, f"{what} takes {article}, not {yaml_writer.flow(yaml_document.plain(node))}")
            return None
        return number(value)

    def _with_prior(self, hole: Tree, table: Table, path: str) -> Tree:
        """Return a hole with the value that its prior is around."""
        node = table.entries.get("prior")
        if node is None or not isinstance(hole, Float | Int | Choice):
            return hole
        inner, place = join(path, "prior"), node.span.place
        around = node.entries.get("around") if isinstance(node, Table) and len(node.entries) == 1 else None
        if not isinstance(around, Scalar) or around.value is None:
            return self._fault(place, inner, "a prior has one key, the value that it is around: {around: 1e-3}")
        value = float(around.value) if isinstance(hole, Float) and is_number(around.value) else around.value
        if not hole.holds(value) and not (isinstance(hole, Float | Int) and hole.ends and is_number(value)):
            known = yaml_writer.flow(describe(hole))
            return self._fault(around, inner, f"around {yaml_writer.flow(around.value)} is no value of {known}")
        return replace(hole, around=value)  # type: ignore[arg-type]  # it holds the value

    def _step(self, table: Table, path: str, number: type[_Number]) -> _Number | None:
        if "step" not in table.entries:
            return None
        step = self._number(table.entries["step"], join(path, "step"), number, "step")
        if step is not None and step <= 0:
            self._fault(table.entries["step"], join(path, "step"), f"a step is above 0, not {step:g}")
            return None
        return step

    def _log(self, table: Table, path: str) -> bool:
        node = table.entries.get("log")
        if node is None:
            return False
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            self._fault(node, join(path, "log"), "log is true or false")
            return False
        return node.value

    def _choice(self, table: Table, path: str) -> Tree:
        node = table.entries["choice"]
        if not isinstance(node, Sequence) or not node.items:
            return self._fault(node, path, "choice takes a list of at least one value")
        scalars = all(isinstance(item, Scalar) for item in node.items)
        branches: list[Branch] = []
        for item in node.items:
            branch = self._branch(item, path, scalars)
            if any(branch.label == other.label for other in branches):
                what = "write it once" if scalars else "give one of them a name of its own (name: ...)"
                self._fault(item, path, f"two branches are called {yaml_writer.flow(branch.label)}: {what}")
            branches.append(branch)
        return Choice(tuple(branches), table.span.place)

    def _branch(self, node: Node, path: str, scalars: bool) -> Branch:
        match node:
            case Scalar(value):
                label = value if scalars else value if isinstance(value, str) else yaml_writer.flow(value)
                return Branch(label, Fixed(value, node.span.place))
            case Sequence():
                label = yaml_writer.flow(yaml_document.plain(node))
                return Branch(label, self.tree(node, join(path, label)))
            case Table(entries, keys):
                named = entries.get("name", entries.get("type"))
                if not isinstance(named, Scalar) or not isinstance(named.value, str):
                    self._fault(node, path, "a branch needs a type, or a name (name: ...), to be called by")
                    return Branch(f"branch on line {node.span.place.line}", Fixed(None, node.span.place))
                rest = {key: entry for key, entry in entries.items() if key != "name"}
                return Branch(named.value, self.tree(Table(rest, keys, node.span), join(path, named.value)))

    def _list(self, table: Table, path: str) -> Tree:
        element = self.tree(table.entries["list"], join(path, "0"))
        node = table.entries.get("length")
        if node is None:
            return self._fault(table, path, "a list needs its length, such as length: {int: [1, 3]}")
        before = len(self.faults)
        length = self.tree(node, join(path, "length"))
        if len(self.faults) > before:
            return Fixed(None, table.span.place)
        if isinstance(length, Int) and length.ends:
            return self._fault(node, join(path, "length"), "a length takes numbers; write a relation")
        if not isinstance(length, Int | Choice | Fixed) or not _counts(length) or max(lengths(length)) > LONGEST:
            return self._fault(
                node, join(path, "length"), f"a length is a whole number from 0 to {LONGEST}, or a hole of such"
            )
        return Repeat(element, length, table.span.place)

    def _ref(self, table: Table, path: str) -> Tree:
        node = table.entries["ref"]
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            return self._fault(node, path, "ref takes a config path, such as optimizer.lr")
        return Ref(node.value, table.span.place)


def _target(node: Node) -> str:
    """Return the path of an end that refers to another value; empty for any other node."""
    target = node.entries["ref"] if isinstance(node, Table) and node.entries.keys() == {"ref"} else None
    return target.value if isinstance(target, Scalar) and isinstance(target.value, str) else ""


def _counts(length: Int | Choice | Fixed) -> bool:
    match length:
        case Int(low):
            return low >= 0
        case Choice():
            return all(isinstance(label, int) and not isinstance(label, bool) and label >= 0 for label in length.labels)
        case Fixed(value):
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
