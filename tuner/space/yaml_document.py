"""A YAML 1.2 document as a tree of nodes with their places in the text.

Edits change the text: a node's span is replaced, and everything else stays the same, comments included.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from tuner import config
from tuner.errors import Fault, Place, SpaceError

DEEPEST = 50
MOST_NODES = 20_000
"""Largest number of nodes, beyond any space. A few lines of nested aliases would mean billions."""
MOST_READ = 64
"""Number of texts whose trees are kept. A command reads a text again for each setting that it replaces."""
LARGEST_INT = 2**53
"""The largest int that is exact as a float, as samplers compute."""

_TAG = "tag:yaml.org,2002:"
_ALIAS = "*"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text: `text[start:end]`, beginning at `place`.

    `flow` marks `{}` or `[]` style. `alias` marks a `*name`, whose children lie at its anchor.
    """

    place: Place
    start: int
    end: int
    flow: bool = False
    alias: bool = False


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf: null, a boolean, a number or a string."""

    value: config.Scalar
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Table:
    """Nodes by key; `keys` has the place of each key."""

    entries: Mapping[str, Node]
    keys: Mapping[str, Place]
    span: Span


Node: TypeAlias = Scalar | Sequence | Table


def plain(node: Node) -> Any:
    """Return the node as dicts, lists and scalars."""
    match node:
        case Scalar(value):
            return value
        case Sequence(items):
            return [plain(item) for item in items]
        case Table(entries):
            return {key: plain(entry) for key, entry in entries.items()}


@functools.lru_cache(MOST_READ)
def read(text: str, file: str) -> Node:
    """Parse one YAML document. Equal texts share one tree, which nobody changes.

    Args:
        text: the document.
        file: its name in messages.

    Raises:
        SpaceError: the text is not YAML 1.2, is empty, has several documents or tags. It is also raised for
            duplicate keys, merge keys and values that JSON lacks. Only the first fault of syntax is
            reported; all others are reported together.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    yaml.max_depth = DEEPEST
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        raise SpaceError(file, [_syntax_fault(error, text)]) from None
    except (YAMLError, ValueError) as error:
        raise SpaceError(file, [Fault(Place(1, 1), "", f"not a YAML text: {error}")]) from None
    if root is None:
        raise SpaceError(file, [Fault(Place(1, 1), "", "the file is empty: a space needs data, model, optimizer")])
    reader = _Reader(text, yaml, file)
    node = reader.node(root, "")
    if reader.faults:
        raise SpaceError(file, reader.faults)
    return node


class _Composer(Composer):
    """Makes a node for each alias, at the place of the alias, since an anchor only repeats text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if not self.parser.check_event(AliasEvent):
            return super().compose_node(parent, index)
        event = self.parser.peek_event()
        original = super().compose_node(parent, index)
        if original.end_mark is None:
            raise MarkedYAMLError(problem="an anchor inside itself", problem_mark=event.start_mark)
        alias = type(original)(original.tag, original.value, event.start_mark, event.end_mark)
        if not isinstance(alias, ScalarNode):
            alias.flow_style = True
        alias.anchor = _ALIAS
        return alias


def _syntax_fault(error: MarkedYAMLError, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if isinstance(error, MaxDepthExceededError):
        message = f"nested more than {DEEPEST} levels deep"
    elif "\t" in line[: place.column]:
        message = "a tab: YAML indents with spaces"
    elif error.problem and "another document" in error.problem:
        message = "a second document: a space file holds one"
    else:
        message = " ".join(part for part in (error.context, error.problem) if part)
    return Fault(place, "", message)


class _Reader:
    """Turns ruamel's nodes into nodes of this module, and collects everything that is not like JSON."""

    def __init__(self, text: str, yaml: YAML, file: str) -> None:
        self.text = text
        self.file = file
        self.count = 0
        self.construct = yaml.constructor.construct_object
        self.faults: list[Fault] = []

    def node(self, node: YamlNode, path: str) -> Node:
        self.count += 1
        if self.count > MOST_NODES:
            raise SpaceError(
                self.file, [Fault(_place(node), "", f"more than {MOST_NODES} values, aliases written out")]
            )
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                self._tag_is(node, path, "seq")
                items = tuple(self.node(item, f"{path}.{i}") for i, item in enumerate(node.value))
                return Sequence(items, self._span(node, [item.span.end for item in items]))
            case _:
                return Scalar(self._scalar(node, path), self._scalar_span(node))

    def _mapping(self, node: MappingNode, path: str) -> Table:
        self._tag_is(node, path, "map")
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        ends = [0]
        for key_node, value_node in node.value:
            place = _place(key_node)
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None or key_node.tag == f"{_TAG}merge":
                self.faults.append(Fault(place, path, "a key must be a plain word; merge keys (<<) are not read"))
                continue
            inner = f"{path}.{key}".lstrip(".")
            if self._has_no_colon(key_node, value_node):
                self.faults.append(Fault(place, inner, f"the key has no value: write {key}: null"))
            value = self.node(value_node, inner)
            ends.append(max(value.span.end, key_node.end_mark.index))
            if key in entries:
                first = keys[key].line
                self.faults.append(Fault(place, inner, f"the key stands twice, first on line {first}"))
                continue
            entries[key], keys[key] = value, place
        return Table(entries, keys, self._span(node, ends))

    def _has_no_colon(self, key: YamlNode, value: YamlNode) -> bool:
        start, end = key.end_mark.index, value.start_mark.index
        return value.end_mark.index == end and ":" not in self.text[start:end]

    def _scalar(self, node: YamlNode, path: str) -> config.Scalar:
        if node.tag == f"{_TAG}timestamp":  # a date is a string in YAML 1.2
            return str(node.value)
        if not self._tag_is(node, path, "null", "bool", "int", "float", "str"):
            return None
        try:
            value: config.Scalar = self.construct(node)
        except (ValueError, YAMLError):
            self.faults.append(Fault(_place(node), path, f"{node.value!r} cannot be read"))
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.faults.append(Fault(_place(node), path, f"{node.value} is not a finite number"))
        if isinstance(value, int) and abs(value) > LARGEST_INT:
            self.faults.append(Fault(_place(node), path, f"{node.value} is beyond 2**53"))
        return value

    def _scalar_span(self, node: YamlNode) -> Span:
        start, end = node.start_mark.index, node.end_mark.index
        if start == end:  # an empty value: its mark lies beyond blanks and comments, put it where it is due
            start = end = _after_indicator(self.text, start)
        end = start + len(self.text[start:end].rstrip("\n"))  # a literal block's mark is past its last line
        return Span(_place(node), start, end, flow=True, alias=node.anchor == _ALIAS)

    def _span(self, node: YamlNode, ends: list[int]) -> Span:
        """Return the span of a node; a block starts at its first key or dash, and ends with its child.

        ruamel's marks start at the anchor and reach to the next token.
        """
        alias, style = node.anchor == _ALIAS, bool(getattr(node, "flow_style", False))
        if style or not node.value:
            return Span(_place(node), node.start_mark.index, node.end_mark.index, style, alias)
        if isinstance(node, MappingNode):
            start = node.value[0][0].start_mark.index
        else:
            start = self.text.rindex("-", 0, max(node.value[0].start_mark.index, node.start_mark.index + 1))
        line, column = self.text.count("\n", 0, start), start - self.text.rfind("\n", 0, start) - 1
        return Span(Place(line + 1, column + 1), start, max(ends), style, alias)

    def _tag_is(self, node: YamlNode, path: str, *kinds: str) -> bool:
        if node.tag in {f"{_TAG}{kind}" for kind in kinds}:
            return True
        tag = str(node.tag).replace(_TAG, "!!")
        self.faults.append(Fault(_place(node), path, f"the tag {tag} is not read: write plain YAML"))
        return False


def _place(node: YamlNode) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _after_indicator(text: str, index: int) -> int:
    """Return the index just after the `:` or `-` of the empty value that ends at `index`."""
    lines = text[:index].split("\n")
    while lines:
        code = lines[-1].split(" #")[0].rstrip()
        if code.endswith((":", "-")):
            return len("\n".join(lines[:-1])) + (len(lines) > 1) + len(code)
        lines.pop()
    return index
