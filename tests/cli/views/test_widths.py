"""No word is cut, however narrow the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.asking import PRUNING, complete, opened
from tuner.cli import COMMANDS, app
from tuner.protocol import Outcome, State
from tuner.storage import open_storage
from tuner.study import load_study
from tuner.study.study import CONFIRM, note


def printed(width: int, *arguments: str) -> str:
    told = CliRunner(env={"COLUMNS": str(width), "NO_COLOR": "1"}).invoke(app, list(arguments))
    assert told.exit_code == 0, told.output
    return told.stdout


def words(text: str) -> set[str]:
    """Without what frames, bars and lists put between them."""
    return set(re.sub(r"[│╭╮╰╯─█▁▂▃▄▅▆▇,;:\[\]]", " ", text).split())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_help_of_a_command_has_whole_words_in_lines_that_fit(command: str) -> None:
    call = [*([command] if command else []), "--help"]

    wide = words(printed(300, *call))

    for width in (80, 60, 40):
        narrow = printed(width, *call)
        assert max(map(len, narrow.splitlines())) <= width, width
        assert words(narrow) - wide <= {"/"}, width
        assert {word for word in wide if word.startswith("--")} <= words(narrow), width


def test_the_options_of_run_stand_in_groups() -> None:
    text = printed(100, "run", "--help")

    order = ["─ Search ─", "--n-trials ", "─ Who trains ─", "--workers ", "─ Study and output ─", "--storage "]
    places = [text.rindex(each) for each in order]
    assert places == sorted(places)


def test_a_study_is_shown_and_listed_in_whole_words(url: str) -> None:
    trials = opened(url)
    complete(trials, 0.9)
    for _ in range(2):
        trial = trials.ask()
        trials.tell(Outcome(trial.number, 1, State.FAILED, cause="ValueError: something unmentionable happened"))

    for call in (("show", "tiny"), ("list",), ("status", "tiny")):
        wide = words(printed(300, *call, "--storage", url))
        allowed = wide | {"and", "more", "parameter", "parameters", "(--trial", "N)", *map(str, range(9))}
        for width in (80, 60, 40):
            narrow = printed(width, *call, "--storage", url)
            assert max(len(line.rstrip()) for line in narrow.splitlines()) <= width, (call, width)
            assert {word for word in words(narrow) if not word.endswith("…")} <= allowed, (call, width)


@pytest.mark.parametrize("width", [80, 60])
def test_a_long_name_and_what_the_study_is_for_are_listed_whole(width: int, url: str) -> None:
    name = "churn-of-customers-by-region"
    complete(opened(url, PRUNING.replace("name: tiny", f"name: {name}.confirm")), 0.9)
    note(load_study(open_storage(url), f"{name}.confirm"), CONFIRM, {"of": "another"})

    lines = printed(width, "list", "--storage", url).splitlines()

    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert "(confirmation)" in "".join(lines)


@pytest.mark.parametrize("width", [80, 60])
def test_names_longer_than_a_table_has_room_for_are_listed_whole_with_all_facts(width: int, url: str) -> None:
    name = "churn-a-second-time-with-a-long-name-for-a-study"
    complete(opened(url, PRUNING.replace("name: tiny", f"name: {name}")), 0.9)

    text = printed(width, "list", "--storage", url)

    assert name in text.split()
    assert {"accuracy", "0.9", "1", "complete"} <= words(text)


@pytest.mark.parametrize("width", [80, 60])
def test_a_check_has_the_whole_names_of_parameters(width: int, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def fit(config, report):\n    return 0.0\n")
    names = ["learning_rate_of_the_encoder", "kind"]
    file = tmp_path / "own.yaml"
    file.write_text(
        "objective: {function: own.py:fit, metric: loss, direction: minimize}\n"
        f"model: {{{names[0]}: {{float: [1e-5, 0.1], log: true}}, {names[1]}: {{choice: [a, {'b' * 30}]}}}}\n"
    )

    text = printed(width, "check", str(file))

    assert all(f"model.{name}" in text for name in names)
    assert "…" not in text
