"""A space's text with its holes filled, for `tuner export`. Comments outside the holes stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.space import edit, yaml_document, yaml_writer
from tuner.space.parse import COMPANIONS
from tuner.space.tree import join, lookup
from tuner.space.yaml_document import Node, Scalar, Sequence, Span, Table

_EMPTIED: Mapping[str, Any] = {"search.enqueue": [], "search.warm_start": None, "search.where": []}
"""Settings that refer to parameters, and their empty values."""


def filled_text(text: str, values: Mapping[str, Any], provenance: Mapping[str, Any], file: str) -> str:
    """Return the text with a value for each hole and alias, and the provenance at its head.

    Args:
        text: a sound space.
        values: its resolved config.
        provenance: the origin of the values.
        file: the name of the text in messages.

    Raises:
        SpaceError: the text is not a document.
    """
    edits = [
        (span, yaml_writer.render(lookup(values, path), span))
        for span, path in _holes(yaml_document.read(text, file), "")
    ]
    text = yaml_writer.splice(text, edits)
    for path, nothing in _EMPTIED.items():
        if lookup(values, path) != nothing:
            text = edit.assign(text, path, nothing, file)
    return _with_provenance(text, provenance, file)


def _holes(node: Node, path: str) -> Iterator[tuple[Span, str]]:
    """Yield the outermost holes, and aliases, whose anchors may be in a removed branch."""
    if node.span.alias or (isinstance(node, Table) and node.entries.keys() & COMPANIONS.keys()):
        yield node.span, path
        return
    match node:
        case Table(entries):
            for key, entry in entries.items():
                yield from _holes(entry, join(path, key))
        case Sequence(items):
            for i, item in enumerate(items):
                yield from _holes(item, join(path, i))
        case Scalar():
            pass


def _with_provenance(text: str, provenance: Mapping[str, Any], file: str) -> str:
    root = yaml_document.read(text, file)
    assert isinstance(root, Table), file
    if "provenance" in root.entries:
        return edit.assign(text, "provenance", dict(provenance), file)
    if root.span.flow:
        at = root.span.start + 1
        return f"{text[:at]}provenance: {yaml_writer.flow(dict(provenance))}, {text[at:]}"
    margin = " " * (root.span.place.column - 1)
    lines = "".join(f"{margin}  {key}: {yaml_writer.flow(value)}\n" for key, value in provenance.items())
    at = root.span.start if any(line.startswith(("---", "%")) for line in text.splitlines()) else 0
    before = "" if at else margin
    return f"{text[:at]}{before}provenance:\n{lines}\n{margin if at else ''}{text[at:]}"
