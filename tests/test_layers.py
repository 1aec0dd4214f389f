"""Imports point downwards: a module knows only modules of the lines below its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

LAYERS = [
    ["__main__"],
    ["cli"],
    ["api", "door"],
    ["tune"],
    ["confirming"],
    ["comparison", "drafting", "final", "notebook", "reporting", "running"],
    ["lockstep"],
    ["judging", "saving"],
    ["refit", "driver", "crew", "redrawn"],
    ["events", "exporting", "forest", "pareto", "timeline", "runpage"],
    ["webpage"],
    ["summary", "warming"],
    ["answer", "findings"],
    ["confirmation", "plots", "stopping"],
    ["stage"],
    ["failures", "importances", "regions", "curve", "rates"],
    ["association"],
    ["study"],
    ["fused"],
    ["grammar", "check", "trial", "scorings"],
    ["fitting", "sampling", "storage", "executors", "promise"],
    ["signals"],
    ["training", "costs", "baseline"],
    ["prediction"],
    ["digests", "predictor", "metrics", "schedule"],
    ["named"],
    ["further", "loss", "measures", "models", "optim"],
    ["bundle", "data"],
    ["own", "space", "endings"],
    ["checkpoints", "precision", "weights"],
    ["allocator", "chance", "config", "dropout", "files", "linear", "packages", "port"],
    ["goal", "link", "certainty"],
    ["eager", "lost", "racing", "rounding", "seeds", "task"],
    ["errors"],
]
RANK = {noun: len(LAYERS) - i for i, layer in enumerate(LAYERS) for noun in layer}


def noun(module: str) -> str:
    return module.removeprefix("tuner.").split(".")[0]


def imports(file: Path) -> set[str]:
    """The nouns that a file imports, wherever in it; type-checking imports apart."""
    tree = ast.parse(file.read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    found = {noun(f"tuner.{alias.name}") for node in nodes if node.module == "tuner" for alias in node.names}
    return found | {noun(node.module) for node in nodes if node.module and node.module.startswith("tuner.")}


FILES = sorted(path for path in (ROOT / "tuner").rglob("*.py") if path != ROOT / "tuner" / "__init__.py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_downwards(file: Path) -> None:
    own = noun(".".join(file.relative_to(ROOT / "tuner").with_suffix("").parts))

    for other in imports(file) - {own}:
        assert RANK[other] < RANK[own], f"{file.name} imports {other}, which is not below {own}"


def test_every_module_has_its_layer() -> None:
    nouns = {path.stem for path in (ROOT / "tuner").glob("*.py")} | {
        path.parent.name for path in (ROOT / "tuner").glob("*/__init__.py")
    }

    assert nouns - {"__init__"} == set(RANK)
