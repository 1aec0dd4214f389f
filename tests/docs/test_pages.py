"""Every block of the documentation does what its page says; its commands, options and links are there."""

from __future__ import annotations

import json
import re
import shutil
import sys
import types
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support import doc_shell
from tests.support.doc_pages import (
    CONTRIBUTING,
    DOCS,
    FIGURES,
    PAGES,
    README,
    TOUR,
    Block,
    blocks_of,
    commands_of,
    headings_of,
    indented_commands_of,
    name_of,
    prose_of,
    small,
)
from tests.support.doc_spaces import check_space
from tuner.runtime.device import held_to
from tuner.space import yaml_document


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader follows a page: the spaces that come with it are there, and nothing of the developer's."""
    shutil.copytree(ROOT / "search_spaces", tmp_path / "search_spaces", ignore=shutil.ignore_patterns("__pycache__"))
    for space in (tmp_path / "search_spaces").glob("*.yaml"):
        space.write_text(small(space.read_text()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


QUICK = ("README.md", "docs/api.md", "docs/guarantees.md", "docs/from-optuna.md")
"""Pages whose blocks each test run does; those of the others take half a minute together."""

STEP_BY_STEP = [
    page if name_of(page) in QUICK else pytest.param(page, marks=pytest.mark.slow) for page in DOCS if page != TOUR
]


@pytest.mark.parametrize("page", STEP_BY_STEP, ids=name_of)
def test_the_blocks_of_a_page_work_in_their_order(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", notebook)

    with held_to(1):  # threads of small networks wait for each other, the more so beside other tests
        for block in blocks_of(page):
            _do(block, folder, notebook, monkeypatch)


def _do(block: Block, folder: Path, notebook: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    if block.file:
        (folder / block.file).write_text(small(block.text))
    match block.language:
        case "sh":
            for command in commands_of(small(block.text)):
                doc_shell.read(command)
                assert not block.runs or doc_shell.run(command, monkeypatch) == 0, f"{block}: {command}"
        case "yaml" if block.runs:
            check_space(block.text, folder)
        case "yaml":
            yaml_document.read(block.text, str(block))
        case "json":
            json.loads(block.text)
        case "python":
            code = compile("\n" * (block.line - 1) + small(block.text), str(block), "exec")
            if block.runs and not block.file:
                exec(code, vars(notebook))
        case _:
            assert block.language in ("text", "csv"), f"{block}: nobody knows how to try {block.language}"


def test_ci_finds_the_command_that_installs_and_the_command_that_tests() -> None:
    install, test = (block.text.strip() for block in blocks_of(README) if block.language == "sh")

    assert install.endswith(" .venv/bin/tuner run --space search_spaces/cnn.yaml")
    assert test.endswith(" .venv/bin/pytest")


def test_the_readme_has_at_most_900_words() -> None:
    assert len(README.read_text().split()) <= 900


@pytest.mark.parametrize("page", [README, TOUR], ids=name_of)
def test_the_blocks_of_a_page_that_others_run_are_sound(page: Path, folder: Path) -> None:
    for block in blocks_of(page):
        match block.language:
            case "yaml" if "function:" not in block.text:  # whose file a reader has
                check_space(block.text, folder)
            case "python":
                compile(block.text, str(block), "exec")
            case "sh":
                for command in commands_of(block.text):
                    doc_shell.read(command)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_that_a_page_shows_are_commands_of_tuner(page: Path) -> None:
    for command in indented_commands_of(page):
        doc_shell.read(command)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_and_options_that_a_page_speaks_of_are_there(page: Path) -> None:
    prose = prose_of(page)

    assert set(re.findall(r"`tuner (\w+)", prose)) <= doc_shell.COMMANDS.keys()
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", prose)) <= doc_shell.OPTIONS | {"--pdb"}  # pytest's


@pytest.mark.parametrize("page", [*PAGES, *FIGURES], ids=name_of)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", prose_of(page)):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not heading or heading in headings_of(file), f"{target}#{heading}"


def test_every_room_has_a_row_in_contributing() -> None:
    rooms = {
        *(f"{folder.parent.name}/" for folder in (ROOT / "tuner").glob("*/__init__.py")),
        *(file.name for file in (ROOT / "tuner").glob("[!_]*.py")),
    }

    assert rooms - set(re.findall(r"`([\w.]+/?)`", CONTRIBUTING.read_text())) == set()


def test_every_page_is_named_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()

    assert [
        page for page in DOCS if page.name != "README.md" and f"({page.relative_to(ROOT / 'docs')})" not in index
    ] == []
