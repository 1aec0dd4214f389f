"""The tour, in its order: each line has what it needs from the lines above it, and does what it says."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, command, environment, tuner_in, until
from tests.support import doc_shell
from tests.support.doc_pages import README, TOUR, Block, blocks_of, commands_of, tabled_commands_of
from tuner.config import DEFAULT_STORAGE
from tuner.space import Space


@dataclass
class Folder:
    """What a reader has after some lines: files by their names, studies with their trials, folders of final runs."""

    root: Path
    studies: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def space(self, named: Path) -> Space:
        """The space file that a command names."""
        if str(named) in self.files and (self.root / named).exists():
            return Space.load(self.root / named)
        bare = named if named.parent.name else Path("search_spaces") / named
        return Space.load(ROOT / bare)

    def do(self, command: str) -> None:
        """Check that a command has what it needs, and note what it makes."""
        _, name, *words = shlex.split(command)
        options = doc_shell.COMMANDS[name].make_context(name, words).params
        getattr(self, f"_{name}", lambda options: None)(options)
        studies = [options["study"]] if isinstance(options.get("study"), str) else options.get("studies", [])
        for study in studies:
            assert study in self.studies, f"{command}: no line before it makes {study}"
            assert (options.get("trial") or 0) < self.studies[study], f"{command}: there is no such trial"
        assert options.get("storage", DEFAULT_STORAGE) == DEFAULT_STORAGE

    def _check(self, options: dict[str, Any]) -> None:
        self.space(options["file"])

    def _run(self, options: dict[str, Any]) -> None:
        space = self.space(options["file"])
        total = options["n_trials"] or space.search.trials
        assert not any("download" in each for each in options["settings"] or ()), "it needs a network"
        assert options["executor"] == "processes"
        self.studies[options["study_name"] or space.name] = total

    def _export(self, options: dict[str, Any]) -> None:
        self.files.add(str(options["out"]))

    def _train(self, options: dict[str, Any]) -> None:
        assert str(options["config"]) in self.files, "no line before it writes that config"
        assert str(options["out"]) not in self.files, "the run folder is there already"
        self.files.add(str(options["out"]))

    def _predict(self, options: dict[str, Any]) -> None:
        assert str(options["folder"]) in self.files, "no line before it trains that model"
        assert (ROOT / options["inputs"]).exists(), "there is no such input"


def test_each_line_of_the_tour_has_what_it_needs_from_the_lines_above(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    for block in blocks_of(TOUR):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
            folder.files.add(block.file)
        if block.language == "sh" and block.runs:
            for line in commands_of(block.text):
                folder.do(line)

    assert {"digits-cnn", "digits-mlp", "digits-small", "own"} <= folder.studies.keys()
    assert {"best.yaml", "runs/digits"} <= folder.files


STEERING = {"stop"}
"""Commands that need a run at work, which the tour has none of."""

AT_A_SERVER = {"serve", "users", "login", "logout", "upload"}
"""Commands of the service, which the tour does not start."""


def test_the_tour_has_every_command() -> None:
    lines = [line for block in blocks_of(TOUR) if block.language == "sh" for line in commands_of(block.text)]

    assert {shlex.split(line)[1] for line in lines} == doc_shell.COMMANDS.keys() - STEERING - AT_A_SERVER


def test_each_command_of_the_readme_has_what_it_needs_from_those_above(tmp_path: Path) -> None:
    folder = Folder(tmp_path)

    for line in tabled_commands_of(README):
        folder.do(line)

    assert {"best.yaml", "runs/digits"} <= folder.files


def test_a_line_without_what_it_needs_is_found_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path, studies={"digits-cnn": 30})

    for line in ("tuner show nope", "tuner show digits-cnn --trial 30", "tuner train best.yaml"):
        with pytest.raises(AssertionError):
            folder.do(line)


def test_no_block_for_the_shell_is_hidden_from_the_tour() -> None:
    assert not [line for line in TOUR.read_text().splitlines() if line.startswith("    tuner ")]


@pytest.mark.slow
def test_the_tour_runs_word_for_word_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "search_spaces", tmp_path / "search_spaces", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    script: list[str] = []
    for block in blocks_of(TOUR):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.language == "python":
            script.append(block.text)
        elif block.language == "sh" and block.runs:
            _type(block, tmp_path)
    program = [sys.executable, "-c", "\n".join(script)]
    told = subprocess.run(program, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=1800)
    assert told.returncode == 0, f"the Python of the tour, as one program\n{told.stdout}\n{told.stderr}"


def _type(block: Block, folder: Path) -> None:
    for line in commands_of(block.text):
        program, *words = shlex.split(line)
        assert program == "tuner", f"{block}: {line}"
        if words == ["dashboard"]:
            _serve(folder)
        else:
            told = tuner_in(folder, *words)
            assert told.returncode == 0, f"{block}: {line}\n{told.stdout}\n{told.stderr}"


def _serve(folder: Path) -> None:
    def answers() -> bool:
        try:
            with urllib.request.urlopen("http://127.0.0.1:8080/api/studies", timeout=5):
                return True
        except OSError:
            return False

    served = subprocess.Popen([*command(), "dashboard"], cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    try:
        until(answers)
    finally:
        served.kill()
        served.wait()
