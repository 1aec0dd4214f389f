"""`tuner init` and `tuner schema` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Cli


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"size": [i / 3 for i in range(60)], "kind": ["small"] * 30 + ["large"] * 30})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def test_init_then_run_without_an_edit(rows: Path, cli: Cli) -> None:
    written = cli("init", "--data", "rows.csv", "-o", "rows.yaml")
    ran = cli("run", "--space", "rows.yaml", "--n-trials", 2, "--epochs", 2, "--set", "search.confirm=null", "-q")

    assert (
        written.stdout
        == "wrote rows.yaml, and .tuner/space.schema.json beside it for editors; next: tuner run --space rows.yaml\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert "Best of 2 trials in study rows" in ran.stdout


def test_an_editor_finds_the_schema_beside_the_space(rows: Path, cli: Cli) -> None:
    cli("init", "--data", "rows.csv", "-o", "rows.yaml")

    first = (rows.parent / "rows.yaml").read_text().partition("\n")[0]
    named = rows.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(named.read_text())["$schema"].startswith("http://json-schema.org/draft-07/")


def test_init_replaces_what_it_wrote_until_somebody_changes_it(rows: Path, cli: Cli) -> None:
    cli("init", "--data", "rows.csv")
    again = cli("init", "--data", "rows.csv")
    space = rows.parent / "space.yaml"
    space.write_text(space.read_text().replace("seed: 0", "seed: 1"))
    changed = cli("init", "--data", "rows.csv")

    assert again.returncode == 0
    assert changed.returncode == 2
    assert "space.yaml: is there already and is not as `tuner init` wrote it; give another -o" in changed.stderr
    assert "seed: 1" in space.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--data none.csv", "none.csv: there is no such file or folder"),
        ("--data rows.csv --target colour", "there is no column colour: it has size and kind"),
        ("--target kind", "--target kind: goes with a table or a file of texts, not with images"),
        ("--data .", "is no folder with a folder of images per class"),
        ("--data rows.csv -o rows.csv", "rows.csv: is there already"),
        ("--data rows.csv -o .", ".: is a folder; name a file with -o"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: str, message: str, rows: Path, cli: Cli) -> None:
    told = cli("init", *arguments.split())

    assert told.returncode == 2
    assert message in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert not (rows.parent / "space.yaml").exists()


def test_the_schema_goes_to_a_file_or_to_stdout_and_replaces_no_file_of_another(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "mine.json").write_text('{"mine": true}')

    printed = cli("schema")
    written = cli("schema", "-o", "space.schema.json")
    refused = cli("schema", "-o", "mine.json")

    assert json.loads(printed.stdout) == json.loads((tmp_path / "space.schema.json").read_text())
    assert written.stdout.startswith("wrote space.schema.json, for torch ")
    assert refused.returncode == 2
    assert "mine.json: is there already and was not written by this command" in refused.stderr
