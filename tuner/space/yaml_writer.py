"""Writing a document: edits of its text in place, and values as YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tuner.space.yaml_document import Span

_PART = r"[\w./+-]+"
_WORD = re.compile(rf"(?![\d.+-]){_PART}(?::{_PART})*(?: (?![+-]){_PART})*", re.ASCII)
_NOT_A_WORD = {"null", "true", "false"}


def splice(text: str, edits: Iterable[tuple[Span, str]]) -> str:
    """Replace spans that do not overlap by new text, from the last to the first.

    A value of one line is placed beside its key, wherever the old one was. If a block is replaced, the comment on its
    last line is removed too.
    """
    for span, replacement in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        before, after = text[: span.start], text[span.end :]
        if "\n" in text[span.start : span.end] and not span.flow:
            after = re.sub(r"\A[ \t]*#[^\n]*", "", after)
        key = re.search(r":[ \t]*((?:#[^\n]*)?)\n?[ \t]*\Z", before)
        if key is not None and "\n" not in replacement:
            comment = f"  {key[1]}" if key[1] else ""
            text = f"{before[: key.start()]}: {replacement}{comment}{after}"
        else:
            space = "" if not before or before[-1] in " \n[{" or replacement[0] in "\n," else " "
            text = before + space + replacement + after
    return text


def render(value: Any, span: Span) -> str:
    """Return YAML text for a plain value at `span`: in flow style if it is, else an indented block."""
    if span.flow or not isinstance(value, dict | list) or len(value) < 2:
        return flow(value)
    if isinstance(value, dict):
        lines = [f"{flow(key)}: {flow(item)}" for key, item in value.items()]
    elif any(isinstance(item, dict) for item in value):
        lines = [f"- {flow(item)}" for item in value]
    else:
        return flow(value)
    return ("\n" + " " * (span.place.column - 1)).join(lines)


def flow(value: Any) -> str:
    """Return YAML text of a plain value on one line; text beyond plain words is quoted as in JSON."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(flow(item) for item in value) + "]"
        case str():
            return value if _WORD.fullmatch(value) and value.lower() not in _NOT_A_WORD else _quoted(value)
        case _:
            return json.dumps(value)


def block(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return YAML text of a plain mapping, one key per line, inner mappings indented."""
    pad = " " * indent
    lines = []
    for key, item in value.items():
        if item and isinstance(item, dict):
            lines.append(f"{pad}{flow(key)}:\n{block(item, indent + 2)}")
        elif item and isinstance(item, list) and isinstance(item[0], dict):
            lines.append("\n".join([f"{pad}{flow(key)}:", *(f"{pad}- {flow(entry)}" for entry in item)]))
        else:
            lines.append(f"{pad}{flow(key)}: {flow(item)}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
