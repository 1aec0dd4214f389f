from __future__ import annotations

import gzip
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.support.data_files import write
from tuner.data.sources import dataframe, read_table
from tuner.data.sources.read_table import Reading
from tuner.errors import DataError


def test_csv_is_read_with_its_header(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a, b", "1, x", "2.5,")

    frame = read_table.read(str(tmp_path), "t.csv")

    assert list(frame.columns) == ["a", "b"]
    assert frame["a"].tolist() == [1.0, 2.5]
    assert frame["b"].isna().tolist() == [False, True]


def test_compressed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))

    assert read_table.read(str(tmp_path), "t.csv.gz")["a"].tolist() == [1]
    assert read_table.read(str(tmp_path), "t.jsonl.gz")["a"].tolist() == [1]


def test_json_lines_keep_the_types_that_json_gives_them(tmp_path: Path) -> None:
    write(tmp_path / "t.jsonl", '{"text": "007", "date": "2020-01-01", "1": 3}', '{"text": "8", "date": "x", "1": 4}')

    frame = read_table.read(str(tmp_path), "t.jsonl")

    assert frame["text"].tolist() == ["007", "8"]
    assert frame["date"].tolist() == ["2020-01-01", "x"]
    assert frame["1"].tolist() == [3, 4]


def test_further_words_mean_a_missing_value(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a", "1", "?", "-999")

    frame = read_table.read(str(tmp_path), "t.csv", Reading(missing=["?", -999]))

    assert frame["a"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize("separator", [";", "\t", r"\s*;\s*"])
def test_columns_may_be_separated_by_something_else(tmp_path: Path, separator: str) -> None:
    between = "\t" if separator == "\t" else ";"
    write(tmp_path / "t.csv", f"a{between}b", f"1{between}2")

    assert read_table.read(str(tmp_path), "t.csv", Reading(separator=separator)).to_dict("list") == {"a": [1], "b": [2]}


def test_a_column_of_words_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,b", "007,007", ",1")

    frame = read_table.read(str(tmp_path), "t.csv", words=["a", "elsewhere"])

    assert frame["a"].tolist()[0] == "007"
    assert frame["a"].isna().tolist() == [False, True]
    assert frame["b"].tolist() == [7, 1]


def test_a_long_column_has_one_type(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a", *(["1"] * 300_000), "x")

    assert {type(value) for value in read_table.read(str(tmp_path), "t.csv")["a"]} == {str}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "cannot be read: No columns"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "line 3, saw 3"),
        ("wide.csv", b"a,b\n1,2,3\n4,5,6\n", "more fields than its first line has names, 'a,b'"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "two columns are called a"),
        ("bytes.csv", b"a,b\n\xff\xfe,2\n", "cannot be read: 'utf-8'"),
        ("broken.jsonl", b'{"a": 1}\n{"a": 2\n', "cannot be read: line 2: "),
        ("cut.csv.gz", gzip.compress(b"a\n1\n" * 1000, mtime=0)[:30], "cannot be read: "),
        ("no.csv.zip", b"no archive", "cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=f"{re.escape(str(tmp_path / name))}.*{re.escape(message)}"):
        read_table.read(str(tmp_path), name)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    (tmp_path / "t.jsonl").mkdir()

    with pytest.raises(DataError, match=r"t\.csv cannot be read: .*Is a directory"):
        read_table.read(str(tmp_path), "t.csv")
    with pytest.raises(DataError, match=r"t\.jsonl cannot be read: .*Is a directory"):
        read_table.read(str(tmp_path), "t.jsonl")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file .*no\.csv"):
        read_table.read(str(tmp_path), "no.csv")
    with pytest.raises(DataError, match=r"there is no file .*no\.jsonl"):
        read_table.read(str(tmp_path), "no.jsonl")
    with pytest.raises(DataError, match="takes the path of a file, not 7"):
        read_table.read(str(tmp_path), 7)  # type: ignore[arg-type]  # any other type is refused


def test_a_column_that_is_not_there_is_said_with_what_is() -> None:
    frame = pd.DataFrame({"price": [1], "city": ["a"]})

    with pytest.raises(DataError, match=r"^t\.csv: there is no column prize \(did you mean price\?\)$"):
        dataframe.require(frame, ["city", "prize"], "t.csv")
    with pytest.raises(DataError, match=r"^t\.csv: there is no column target: it has price and city$"):
        dataframe.require(frame, ["target"], "t.csv")


def test_a_wrong_separator_is_suspected(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a;b;y", "1;2;3")

    with pytest.raises(DataError, match=r"there is no column y: it has a;b;y; is data\.separator right\?"):
        dataframe.require(read_table.read(str(tmp_path), "t.csv"), ["y"], "t.csv")


def test_a_list_in_a_column_is_named_with_its_row() -> None:
    frame = pd.DataFrame({"a": [1, [2], {"b": 3}]})

    with pytest.raises(DataError, match=r"^t\.jsonl: row 2: column a has a list or a mapping here"):
        dataframe.require(frame, ["a"], "t.jsonl")


def test_rows_without_a_target_are_left_out_and_that_is_said() -> None:
    frame = pd.DataFrame({"y": [1.0, None, 3.0, None]})

    known, notes = dataframe.with_target(frame, "y", "t.csv")

    assert known["y"].tolist() == [1.0, 3.0]
    assert notes == ("t.csv: 2 rows have no y and are left out",)
    assert dataframe.with_target(known, "y", "t.csv")[1] == ()


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_target_without_a_value_is_refused(values: list[None]) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: no row has a value in column y$"):
        dataframe.with_target(pd.DataFrame({"y": pd.Series(values, dtype=float)}), "y", "t.csv")


def test_a_stray_word_in_a_column_of_numbers_is_named_with_its_row() -> None:
    column = pd.Series(["1", "2", None, "3", "4", "oops", "5", "6", "7", "8", "9", "-"])
    frame = pd.DataFrame({"a": column}).iloc[1:]

    with pytest.raises(
        DataError, match=r"^t: row 6: column a is of numbers, but has 'oops' here \(2 such rows\): mend"
    ):
        dataframe.refuse_stray_text(frame, ["a"], "t", "mend it")


def test_a_column_of_words_with_some_numbers_is_one_of_words() -> None:
    frame = pd.DataFrame({"a": ["1", "2", "three", "four"], "empty": [np.nan] * 4, "b": [True, False, True, True]})

    dataframe.refuse_stray_text(frame, ["a", "empty", "b"], "t", "")


def test_infinite_numbers_are_named_with_their_row() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan, -np.inf, 2.0]})

    with pytest.raises(DataError, match=r"^t: row 3: column a is infinite here"):
        dataframe.refuse_stray_text(frame, ["a"], "t", "")


def test_a_file_beyond_the_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 1000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=10_000))

    with pytest.raises(DataError, match=r"t\.csv would take about 0\.0 GB of the 0\.0 GB of memory that are free"):
        read_table.read(str(tmp_path), "t.csv")
