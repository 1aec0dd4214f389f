"""Descriptions of classes and arguments from docstrings. Types, bounds and defaults are not read here."""

from __future__ import annotations

import inspect
import re
from typing import Any

LONGEST = 300
"""Largest number of characters of a description; it is cut to whole sentences."""


def sentences(function: Any) -> dict[str, str]:
    """Return the description of each argument: `name: ...` or `name (type): ...`, with indented lines."""
    found: dict[str, str] = {}
    pattern = r"^( *)(\w+)(?: \([^\n]*?\))?: +([^\n]*(?:\n(?:\1 +[^\n]*))*)"
    for match in re.finditer(pattern, inspect.getdoc(function) or "", re.MULTILINE):
        found.setdefault(match[2], _tidy(match[3]))
    return found


def first_sentence(function: Any) -> str:
    """Return the first paragraph of a docstring."""
    return _tidy((inspect.getdoc(function) or "").partition("\n\n")[0])


def _tidy(text: str) -> str:
    """Return plain words on one line, without the marks of Sphinx, cut to a few whole sentences."""
    text = re.sub(r":\w+:`~?([^`<]*?)(?: *<[^`]*>)?`", r"\1", text)
    text = re.sub(r"\s+", " ", text.replace("``", "`").replace("\\", "")).strip()
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rpartition(". ")[0]
    return f"{kept}." if kept else f"{text[:LONGEST].rpartition(' ')[0]} ..."
