from __future__ import annotations

import collections
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tuner
from tests.support.confirmations import FIT, SPACE, study
from tests.support.studies import branched
from tuner.cli import app
from tuner.results import importances
from tuner.results.results import Results
from tuner.results.stage import Stage
from tuner.space import space as language
from tuner.study import Study

COMMANDS = {
    "list": ["list"],
    "show": ["show", "walk"],
    "show as data": ["show", "walk", "--format", "json"],
    "show of a trial": ["show", "walk", "--trial", "3"],
    "show of runs": ["show", "walk.confirm"],
    "status": ["status", "walk"],
    "status of runs": ["status", "walk.confirm"],
    "report": ["report", "walk", "-o", "report.html"],
    "export": ["export", "walk", "-o", "best.yaml"],
    "export as data": ["export", "walk", "--format", "json"],
    "export of a trial": ["export", "walk", "--trial", "1"],
    "train": ["train", "--study", "walk", "-o", "final", "-q"],
    "confirm": ["confirm", "walk", "--top", "2", "--seeds", "2", "-q"],
}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The file of a study that was confirmed, and its database."""
    folder = tmp_path_factory.mktemp("walked")
    (folder / "fit.py").write_text(FIT)
    file = folder / "walk.yaml"
    file.write_text(SPACE)
    url = f"sqlite:///{folder / 'studies.db'}"
    tuner.run(file, storage=url)
    tuner.confirm("walk", top=2, seeds=2, storage=url)
    return file, url


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> collections.Counter[str]:
    """How often each text was parsed, the trials of each study were read, and what follows from them was computed."""
    counted: collections.Counter[str] = collections.Counter()

    def count(owner: Any, name: str, key: Callable[..., str]) -> None:
        inner = getattr(owner, name)

        def call(*args: Any, **options: Any) -> Any:
            counted[key(*args)] += 1
            return inner(*args, **options)

        monkeypatch.setattr(owner, name, call)

    count(language, "_tree", lambda text, file: f"parse {text}")
    count(Study, "snapshot", lambda of: f"read {of.name}")
    count(Stage, "__init__", lambda *_: "confirmation")
    count(importances, "importances_of", lambda *_: "importances")
    return counted


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_parses_reads_and_computes_everything_once_at_most(
    walked: tuple[Path, str],
    counts: collections.Counter[str],
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = CliRunner().invoke(app, [*command, "--storage", walked[1]], catch_exceptions=False)

    assert done.exit_code == 0, done.output
    twice = {what: often for what, often in counts.items() if often > 1}
    assert counts["read walk"] + counts["read walk.confirm"] >= 1
    assert not twice


def test_a_run_parses_its_file_once(walked: tuple[Path, str], counts: collections.Counter[str]) -> None:
    call = ["run", str(walked[0]), "--storage", walked[1], "--quiet"]

    done = CliRunner().invoke(app, call, catch_exceptions=False)

    assert done.exit_code == 0, done.output
    assert [often for what, often in counts.items() if what.startswith("parse")] == [1]
    assert counts["confirmation"] == 1


def test_a_notebook_shows_a_study_by_one_read(walked: tuple[Path, str], counts: collections.Counter[str]) -> None:
    shown = tuner.load_study("walk", storage=walked[1])

    shown._repr_html_()

    assert counts["read walk"] == 1
    assert counts["confirmation"] == 1
    assert counts["importances"] == 1


def test_parts_that_are_asked_for_again_are_the_same(walked: tuple[Path, str]) -> None:
    results = Results(study(walked[1]))

    assert results.records is results.records
    assert results.confirmation is not None
    assert results.confirmation is results.confirmation
    assert results.answer is results.answer
    assert results.importances is results.importances


def test_a_confirmation_of_later_trials_than_were_read_is_not_there(walked: tuple[Path, str]) -> None:
    early = study(walked[1]).snapshot()
    del early.records[1:]

    assert Results(study(walked[1]), early).confirmation is None


def test_a_study_of_another_program_has_results() -> None:
    results = Results(branched(20))

    assert results.best is not None
    assert results.best.number == results.front[0].number
    assert results.confirmation is None
    assert results.confirmed is None
    assert results.trivial is None
    assert results.answer is not None
    assert len(results.importances) == 1


def test_results_load_nothing_that_computes_importances() -> None:
    code = "import sys, tuner.results.results; print(*(name for name in sys.modules if name == 'sklearn'))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
