"""What goes wrong is said in one line that says who says it, whichever library found it out."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest

import tuner
from tests.conftest import Cli
from tuner import cli
from tuner.errors import counted
from tuner.space import Space
from tuner.storage import retry

SPACE = "data: {type: csv, path: NAME, target: y}\nmodel: {type: MLP}\noptimizer: {type: Adam}\n"
WHOLE = gzip.compress(b"a,b,y\n" + b"1,2,yes\n" * 5000, mtime=0)
UNREADABLE = {
    "fields.csv": b"a,b,y\n1,2,yes\n1,2,3,no\n",
    "empty.csv": b"",
    "cut.csv.gz": WHOLE[: len(WHOLE) // 2],
    "broken.csv.gz": WHOLE[:20] + b"\xff" * 30,
    "no.csv.gz": b"a,b,y\n1,2,yes\n",
    "no.csv.zip": b"PK",
    "no.csv.xz": b"a,b",
    "quoted.csv": b'a,b,y\n1,"2,yes\n1,3,no\n',
    "broken.jsonl": b'{"a": 1, "y": 2}\n{no\n',
}


def said(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command prints to stderr as it fails."""
    monkeypatch.setattr(sys, "argv", ["tuner", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    return capfd.readouterr().err


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_pandas_cannot_read_is_an_error_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    file, space = tmp_path / name, tmp_path / "space.yaml"
    file.write_bytes(UNREADABLE[name])
    space.write_text(SPACE.replace("NAME", name))

    of_init = said(monkeypatch, capfd, "init", "--data", file, "-o", tmp_path / "new.yaml")
    of_check = said(monkeypatch, capfd, "check", "--space", space)

    for text in (of_init, of_check):
        assert text.startswith("tuner: ")
        assert text.count("\n") == 1
        assert f"{file} cannot be read: " in text


def test_predict_notes_that_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Linear):\n"
        "    def __init__(self, in_features, out_features):\n        super().__init__(in_features, out_features)\n"
    )
    (tmp_path / "t.csv").write_text("a,b,y\n" + "1,2,yes\n2,1,no\n" * 20)
    text = SPACE.replace("NAME", "t.csv").replace("MLP", "'net.py:Net'") + "training: {epochs: 1}\n"
    tuner.train(Space.parse(text.replace("y}", "y, batch_size: 8}"), base=tmp_path), tmp_path / "run")
    with (tmp_path / "run" / "net.py").open("a") as file:
        file.write("# another\n")
    monkeypatch.setattr(sys, "argv", ["tuner", "predict", str(tmp_path / "run"), str(tmp_path / "t.csv")])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    out, err = capfd.readouterr()
    assert ended.value.code == 0
    assert err.startswith("note: ")
    assert "run/net.py has changed since the model was trained" in err
    assert out.splitlines()[0] == "row,y,prediction,probability_no,probability_yes"


@pytest.mark.parametrize(
    ("given", "said_so"),
    [
        *[((1, "row"), "1 row"), ((2, "row"), "2 rows"), ((0, "row"), "0 rows")],
        *[((1, "row", "have"), "1 row has"), ((3, "row", "have"), "3 rows have"), ((1, "file", "are"), "1 file is")],
    ],
)
def test_one_of_a_thing_is_singular(given: tuple[int, str, str], said_so: str) -> None:
    assert counted(*given) == said_so


def test_an_outage_of_the_database_has_an_exit_code_of_its_own(
    cli: Cli, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)

    ended = cli("run", "--space", tiny, "--storage", "postgresql+psycopg://nobody@127.0.0.1:1/none")

    assert ended.returncode == 75
    assert "cannot be opened" in ended.stderr
