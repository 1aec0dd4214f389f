"""What Tab offers, asked of the real command in the way that typer's script for bash asks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna
import pytest

from tests.conftest import ROOT, environment
from tuner.cli import app

TUNER = Path(sys.executable).parent / "tuner"


def offered(folder: Path, line: str, **variables: str) -> list[str]:
    """What follows the last word of a line, which a space ends where a new one begins."""
    words = len(line.split(" ")) - 1
    asked = {"_TUNER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(words), **variables}
    told = subprocess.run(
        [TUNER], cwd=folder, env={**environment(), **asked}, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stderr == ""
    return told.stdout.split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With two studies, another database, and space files here and in search_spaces/."""
    made = tmp_path_factory.mktemp("completing")
    for name in ("digits-cnn", "digits-mlp"):
        optuna.create_study(study_name=name, storage=f"sqlite:///{made}/studies.db")
    optuna.create_study(study_name="old", storage=f"sqlite:///{made}/old.db")
    (made / "search_spaces").mkdir()
    for file in ("mine.yaml", "notes.txt", "search_spaces/cnn.yaml"):
        (made / file).write_text("")
    return made


def test_commands_are_offered(folder: Path) -> None:
    assert {"run", "init", "schema", "show"} <= set(offered(folder, "tuner "))


@pytest.mark.parametrize("command", ["show", "status", "report", "export", "confirm", "delete", "train --study"])
def test_study_names_are_offered(command: str, folder: Path) -> None:
    assert offered(folder, f"tuner {command} digits-c") == ["digits-cnn"]


def test_studies_are_those_of_the_database_that_is_named(folder: Path) -> None:
    assert offered(folder, "tuner show --storage sqlite:///old.db ") == ["old"]
    assert offered(folder, "tuner show ", TUNER_STORAGE="sqlite:///old.db") == ["old"]


@pytest.mark.parametrize("url", ["sqlite:///none.db", "sqlite:///notes.txt", "postgresql://nobody@127.0.0.1:1/x", "x"])
def test_a_database_that_cannot_be_read_offers_nothing_and_is_not_made(url: str, folder: Path) -> None:
    before = sorted(folder.iterdir())

    assert offered(folder, f"tuner show --storage {url} ") == []

    assert sorted(folder.iterdir()) == before


def test_space_files_are_offered_with_the_bare_names_of_search_spaces(folder: Path) -> None:
    assert offered(folder, "tuner run --space ") == ["mine.yaml", "cnn.yaml"]
    assert offered(folder, "tuner check --space search_spaces/") == ["search_spaces/cnn.yaml"]
    assert offered(folder, "tuner train m") == ["mine.yaml"]


def test_nothing_heavy_is_loaded_for_it(folder: Path) -> None:
    probe = (
        "import sys\n"
        "from tuner.cli import app, completion\n"
        "class Line: params = {'storage': 'sqlite:///studies.db'}\n"
        "print(completion.study_names(Line, ''), completion.space_files('m'))\n"
        "print([name for name in ('torch', 'optuna', 'sqlalchemy', 'ruamel', 'pandas') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", probe], cwd=folder, capture_output=True, text=True, check=True)

    assert told.stdout.splitlines() == ["['digits-cnn', 'digits-mlp'] ['mine.yaml']", "[]"]


def test_every_command_has_an_example() -> None:
    lacking = [command.name for command in app.registered_commands if "Example" not in (command.callback.__doc__ or "")]

    assert lacking == []


def test_a_bundled_space_is_offered_in_this_repository() -> None:
    assert "search_spaces/cnn.yaml" in offered(ROOT, "tuner run --space search_spaces/")
