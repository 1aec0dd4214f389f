"""Sentences in the package's own code: docstrings, and the messages, help and captions that it builds."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import ROOT
from tests.support.sentences import sentences_in

MODULES = sorted((ROOT / "tuner").rglob("*.py"))

_EXAMPLE = re.compile(r"^Examples?:.*?(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^\w+:$", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(?=[\w*`]+: )", re.MULTILINE)
_ROW = re.compile(r"^.*\S {2,}\S.*$|^ {10,}.*$|^[├└│].*$", re.MULTILINE)
_CITED = re.compile(r"\([^()]*\b(?:19|20)\d\d\b[^()]*\)")
_SHAPE = re.compile(r"\([A-Z*\d][^(),]{0,14}(?:,[^(),]{0,14})+\)")


@cache
def _tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _docstrings(module: Path) -> Iterator[ast.Constant]:
    """Yield the docstrings of a module, its classes, functions and constants."""
    for node in ast.walk(_tree(module)):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if _is_docstring(statement):
                yield statement.value


def docstring_sentences(module: Path) -> Iterator[str]:
    """Yield the sentences of a module's docstrings, without tables and examples.

    A shape such as (N, C, H, W), and a source with its year in brackets, count as one word.
    """
    for docstring in _docstrings(module):
        assert isinstance(docstring.value, str)
        text = _ROW.sub("\n\n", _EXAMPLE.sub("\n\n", inspect.cleandoc(docstring.value)))
        text = _ENTRY.sub("\n\n", _SECTION.sub("\n\n", text))
        yield from sentences_in(_SHAPE.sub("shape", _CITED.sub("source", text)))


def messages(module: Path) -> Iterator[str]:
    """Yield the sentences of a module's other texts: errors, notes, help, captions. A value counts as one word."""
    tree = _tree(module)
    skipped = {id(docstring) for docstring in _docstrings(module)}
    skipped |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "value" for part in node.values]
            yield from _lines("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield from _lines(node.value)


def _lines(text: str) -> Iterator[str]:
    """Yield the sentences of a text that is no regular expression and no statement of SQL."""
    if not re.search(r"\(\?|\\[wsd]|SELECT |CREATE ", text):
        for line in text.splitlines():
            yield from sentences_in(line)
