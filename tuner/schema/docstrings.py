"""What docstrings say of classes and their arguments: words for people. No type, bound or default is read here."""

from __future__ import annotations

import inspect
import re
from typing import Any

LONGEST = 300
"""The most characters of a description; it is cut to whole sentences."""


def sentences(function: Any) -> dict[str, str]:
    """What a docstring says of each argument: `name: ...` or `name (type): ...`, and the lines indented under it."""
    found: dict[str, str] = {}
    pattern = r"^( *)(\w+)(?: \([^\n]*?\))?: +([^\n]*(?:\n(?:\1 +[^\n]*))*)"
    for match in re.finditer(pattern, inspect.getdoc(function) or "", re.MULTILINE):
        found.setdefault(match[2], _tidy(match[3]))
    return found


def first_sentence(function: Any) -> str:
    """What a docstring says a class is."""
    return _tidy((inspect.getdoc(function) or "").partition("\n\n")[0])


def _tidy(text: str) -> str:
    """Plain words on one line, without the marks of Sphinx, whole sentences of no more than a few."""
    text = re.sub(r":\w+:`~?([^`<]*?)(?: *<[^`]*>)?`", r"\1", text)
    text = re.sub(r"\s+", " ", text.replace("``", "`").replace("\\", "")).strip()
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rpartition(". ")[0]
    return f"{kept}." if kept else f"{text[:LONGEST].rpartition(' ')[0]} ..."
