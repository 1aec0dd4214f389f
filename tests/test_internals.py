"""Private names of Optuna and torch: a name that moved is refused, and only the two doors use them."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest

from tests.conftest import ROOT
from tuner.errors import TunerError
from tuner.internals import internal

DOORS = {"optuna_internals.py", "torch_internals.py"}

NEITHERS = {
    "_exit",
    "_getframe",
    "_lru_cache_wrapper",
    "_forkserver",
    "_forkserver_alive_fd",
    "_forkserver_pid",
    "_worker_logs_enabled",
}
"""Private attributes of Python and of Ray, where they have no other way."""


@functools.cache
def trees() -> dict[Path, ast.Module]:
    """Each file of this package, parsed."""
    return {file: ast.parse(file.read_text()) for file in (ROOT / "tuner").rglob("*.py")}


def test_a_name_that_moved_is_refused_with_the_version_of_its_library() -> None:
    with pytest.raises(TunerError, match=r"^Optuna 9 has no optuna\._gone, which tuner needs: install a version"):
        internal(optuna, "_gone", "Optuna 9")


def test_only_the_doors_import_private_modules_of_optuna_and_torch() -> None:
    names = {
        (file.relative_to(ROOT / "tuner").as_posix(), f"{node.module}.{alias.name}")
        for file in trees()
        if file.name not in DOORS
        for node in ast.walk(trees()[file])
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert {each for each in names if each[1].split(".")[0] in {"optuna", "torch"} and "._" in each[1]} == set()


def test_only_the_doors_read_private_attributes_of_other_packages() -> None:
    own = {name for tree in trees().values() for name in defined(tree)}

    reached = {
        (file.relative_to(ROOT / "tuner").as_posix(), node.attr)
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr) and file.name not in DOORS
    }

    assert {(file, name) for file, name in reached if name not in own | NEITHERS} == set()


def defined(tree: ast.AST) -> Iterator[str]:
    """The names that a file defines, those that its objects give themselves included."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.Name(id=name, ctx=ast.Store())
            ):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name
