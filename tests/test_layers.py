"""Imports point downwards, the two wings never meet, and files and classes stay small."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

LAYERS = [
    ["__main__"],
    ["cli"],
    ["client"],
    ["service"],
    ["api"],
    ["search"],
    ["final", "scaffold"],
    ["reports"],
    ["plots", "preflight", "schema"],
    ["engines", "executors", "results"],
    ["training", "study"],
    ["models", "data", "space", "storage"],
    ["settings"],
    ["config"],
    ["signatures"],
    ["goal", "runtime"],
    ["optuna_internals", "torch_internals"],
    ["internals"],
    ["errors", "protocol"],
]
RANK = {room: len(LAYERS) - i for i, layer in enumerate(LAYERS) for room in layer}
COMPUTE = {"data", "models", "training", "engines", "executors"}
BOOK_KEEPING = {"space", "study", "storage", "results"}
FORBIDDEN = {room: {"space", "study", "storage", "optuna_internals"} for room in COMPUTE} | {
    room: COMPUTE | {"torch", "torch_internals", "torchmetrics", "torchvision"} for room in BOOK_KEEPING
}
FILES = sorted(path for path in (ROOT / "tuner").rglob("*.py") if path != ROOT / "tuner" / "__init__.py")
PYTHON = [file for room in ("tuner", "tests", "benchmarks") for file in sorted((ROOT / room).rglob("*.py"))]


def room_of(module: str) -> str:
    """The room of this package that a module is in; of another package, its name."""
    first, *rest = module.split(".")
    return rest[0] if first == "tuner" and rest else first


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, wherever in it; also by `importlib` and `__import__`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"importlib.import_module", "import_module"}:
            yield from (str(given.value) for given in node.args if isinstance(given, ast.Constant))


@functools.cache
def imports() -> list[tuple[str, str, str]]:
    """Each file with its own room and a room that it imports."""
    found = []
    for file in FILES:
        name = str(file.relative_to(ROOT))
        own = room_of(name.removesuffix(".py").replace("/", "."))
        others = {room_of(module) for module in imported(ast.parse(file.read_text()))}
        found += [(name, own, other) for other in others - {own}]
    return found


def test_imports_point_downwards() -> None:
    upwards = {(name, other) for name, own, other in imports() if other in RANK and RANK[other] >= RANK[own]}

    assert upwards == set()


def test_computing_and_book_keeping_know_nothing_of_each_other() -> None:
    known = {(name, other) for name, own, other in imports() if other in FORBIDDEN.get(own, set())}

    assert known == set()


@pytest.mark.parametrize(
    "code",
    ["import tuner.space.tree", "from tuner import space", "import importlib\nimportlib.import_module('tuner.space')"],
)
def test_each_way_to_import_is_seen(code: str) -> None:
    assert "space" in {room_of(module) for module in imported(ast.parse(code))}


def test_every_room_has_its_layer() -> None:
    found = {path.stem for path in (ROOT / "tuner").glob("*.py")} | {
        path.parent.name for path in (ROOT / "tuner").glob("*/__init__.py")
    }

    assert found - {"__init__"} == set(RANK)


def test_few_modules_stand_beside_the_rooms() -> None:
    beside = [file for file in FILES if file.parent.name == "tuner" and not file.stem.startswith("__")]

    assert len(beside) <= 12, beside


def test_no_two_modules_have_one_name() -> None:
    names = [path.stem for path in FILES if path.stem != "__init__"]

    assert {name for name in names if names.count(name) > 1} == set()


def test_no_file_has_more_than_300_lines() -> None:
    long = {str(file.relative_to(ROOT)) for file in PYTHON if file.read_text().count("\n") > 300}

    assert long == set()


def test_no_class_has_more_than_20_methods() -> None:
    classes = [
        (
            f"{file.relative_to(ROOT)}: {node.name}",
            sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) for each in node.body),
        )
        for file in PYTHON
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    ]

    assert {name for name, methods in classes if methods > 20} == set()
