from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import tuner
from tests.support.data_files import pets, write
from tests.support.final_runs import Runs
from tuner.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("table", "n.csv", "age;code\n1;a\n", r"n\.csv: there is no column member: it has age and code$"),
        ("table", "n.csv", "age,code,member\n1,a,True\n", r"there is no column age.*; is data\.separator right\?"),
        ("table", "n.csv", "age;code;member\n1;a;True\nold;a;True\n", r"n\.csv: row 2: column age is of numbers, but"),
        ("table", "n.csv", "age;code;member\ninf;a;True\n", r"n\.csv: row 1: column age is infinite here"),
        ("table", "n.csv", "age;code;member\n", "there is nothing to predict"),
        ("table", "n.csv", "", r"n\.csv cannot be read: No columns"),
        (
            "shares",
            "n.csv",
            "share,member\n0.5,True\n",
            "column share has no sign, and the sign % in the training rows",
        ),
        (
            "shares",
            "n.csv",
            "share,member\n$5,True\n",
            r"column share has the sign \$, and the sign % in the training rows",
        ),
        ("text", "n.csv", "text\nx\n", r"n\.csv: there is no column review: it has text$"),
        ("text", "n.csv", "review\n", "there is nothing to predict"),
        ("text", "n.txt", "", "there is nothing to predict"),
        ("text", "n.txt", b"\xff\xfe\x00", r"n\.txt cannot be read as text"),
        ("images", "n.csv", "a\n1\n", r"n\.csv is not an image that can be read"),
        ("images", "n.png", b"no image", r"n\.png is not an image that can be read"),
        ("line", "n.csv", "a\n1\n", r"n\.csv has 1 columns, where the model takes 2$"),
        ("line", "n.csv", "a,b\n1,2\n1,x\n", r"n\.csv: row 2: column b is of numbers, but has 'x'"),
        ("line", "n.csv", "a,b\n1,2\n1,\n", r"n\.csv: row 2: a value is missing"),
        ("line", "n.csv", "a,b\n", "there is nothing to predict"),
        ("ids", "n.csv", "a,b\n1,2\n", "was trained on token ids of your own code"),
    ],
)
def test_inputs_that_are_not_such_as_were_trained_on_are_refused(
    runs: Runs, tmp_path: Path, kind: str, name: str, content: str | bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UsageError, match=message):
        tuner.predict(runs(kind).folder, tmp_path / name, tmp_path / "out.csv")

    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("table", "cannot be read: .*Is a directory"),
        ("text", "cannot be read as text: .*Is a directory"),
        ("images", r"has no image \(\.jpg"),
        ("line", "cannot be read: .*Is a directory"),
    ],
)
def test_an_empty_folder_is_refused(runs: Runs, tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tuner.predict(runs(kind).folder, tmp_path)


def test_a_corrupt_image_in_a_folder_is_named(runs: Runs, tmp_path: Path) -> None:
    pets(tmp_path / "new", each=2)
    (tmp_path / "new" / "dog" / "1.png").write_bytes(b"no image")

    with pytest.raises(DataError, match=r"new/dog/1\.png is not an image that can be read"):
        tuner.predict(runs("images").folder, tmp_path / "new")


def test_an_input_that_is_not_there_is_said(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: there is no such file or folder"):
        tuner.predict(runs("line").folder, tmp_path / "nowhere.csv")


def test_a_folder_that_is_no_run_folder_is_refused(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "new.csv", "a,b", "1,2")
    shutil.copytree(runs("line").folder, tmp_path / "run")
    (tmp_path / "run" / "preprocessing.json").unlink()

    for folder in (tmp_path, tmp_path / "run", tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=r"is no run folder of `tuner train` with a model: .*: No such file"):
            tuner.predict(folder, tmp_path / "new.csv")


def test_the_input_is_not_written_over(runs: Runs, tmp_path: Path) -> None:
    write(tmp_path / "rows.csv", "x", "1.5")

    with pytest.raises(UsageError, match="was not written by this command"):
        tuner.predict(runs("line").folder, tmp_path / "rows.csv", tmp_path / "rows.csv")

    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == "x"
