from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.data_files import write
from tuner.data.sources import dataframe, read_table
from tuner.data.sources import table as tables
from tuner.data.sources import text as texts
from tuner.data.sources.read_table import Reading
from tuner.data.sources.row_file import RowFile
from tuner.errors import DataError
from tuner.scaffold import dialect
from tuner.schema.docstrings import sentences


def test_the_line_is_counted_in_the_file_and_not_in_rows(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "note,a,y", '"two\nlines",1,x', "", 'one,"2,5",z', 'one,"3,5",z', 'one,"4,5",x')

    with pytest.raises(DataError, match=r"row 2 \(line 5\): column a .* such as '2,5'"):
        tables.csv(base=str(tmp_path), path="t.csv", target="y")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("a,b\n1,2\n".encode("utf-16-le"), "say data.encoding: utf-16-le"),
        ("a,b\n1,2\n".encode("utf-16-be"), "say data.encoding: utf-16-be"),
        (b"PK\3\4" + bytes(60), "it looks like a spreadsheet or an archive: save it as CSV"),
    ],
)
def test_zero_bytes_are_no_names(tmp_path: Path, content: bytes, hint: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)

    with pytest.raises(DataError, match=f"has zero bytes, as no text has: .*{hint}$"):
        read_table.read(str(tmp_path), "t.csv")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "latin-1"])
def test_other_encodings_are_read_when_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t.csv").write_bytes("Größe,Länge\n1,ü\n".encode(encoding))

    frame = read_table.read(str(tmp_path), "t.csv", Reading(encoding=encoding))

    assert frame.to_dict("list") == {"Größe": [1], "Länge": ["ü"]}


def test_a_mark_at_the_beginning_is_no_letter_of_the_first_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-8-sig"))
    (tmp_path / "t.jsonl").write_bytes('{"a": 1, "b": 2}\n'.encode("utf-8-sig"))

    assert list(read_table.read(str(tmp_path), "t.csv").columns) == ["a", "b"]
    assert list(read_table.read(str(tmp_path), "t.jsonl").columns) == ["a", "b"]


@pytest.mark.parametrize(("encoding", "hint"), [("utf-16", "data.encoding: utf-16"), ("cp1252", "such as cp1252")])
def test_a_wrong_encoding_is_an_error_with_a_way_on(tmp_path: Path, encoding: str, hint: str) -> None:
    (tmp_path / "t.csv").write_bytes("Größe,b\n1,ü\n".encode(encoding))

    with pytest.raises(DataError, match=rf"t\.csv cannot be read: .*{hint}"):
        read_table.read(str(tmp_path), "t.csv")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"decimal": ";"}, r'^data\.decimal: is "\." or ",", not \';\'$'),
        ({"thousands": "."}, r'^data\.thousands: is one of "," .*, not \'\.\'$'),
        ({"encoding": "klingon"}, r"^data\.encoding: there is no 'klingon'"),
        ({"encoding": "a\0b"}, r"^data\.encoding: there is no 'a"),
        ({"thousands": [","]}, r"^data\.thousands: is one of"),
        ({"missing": [["?"]]}, r"^data\.missing: is a list of words"),
        ({"keep_na": "yes"}, r"^data\.keep_na: is true or false, not 'yes'$"),
        ({"header": 1}, r"^data\.header: is true or false, not 1$"),
        ({"missing": "?"}, r"^data\.missing: is a list, such as \[\?\], not \?$"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Reading(**given)


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "5.1,3.5,setosa", "4.9,3.0,setosa", "6.0,2.0,virginica")

    source = tables.csv(base=str(tmp_path), path="t.csv", target="column3", header=False)

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs.to_dict("list") == {"column1": [5.1, 4.9, 6.0], "column2": [3.5, 3.0, 2.0]}


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (("5.1,3.5,setosa", "4.9,3.0,setosa"), True),
        (("5,3,setosa", "4,3,setosa"), True),
        (("5,3,1", "4,3,2"), True),
        (("2019,2020,2021", "4,3,2"), False),
        (("a,2019,2020", "x,3,2"), False),
        (("a,b", "1,2"), False),
        (("x,b", "x,2"), False),
    ],
)
def test_names_that_look_like_a_row_are_noticed(tmp_path: Path, lines: tuple[str, ...], row: bool) -> None:
    frame = read_table.read(str(tmp_path), write(tmp_path / "t.csv", *lines).name)

    notes = dataframe.header_note(frame, "t.csv", Reading())

    assert bool(notes) == row
    assert all("set data.header: false" in note for note in notes)


def test_blanks_around_words_make_no_words_of_their_own(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a ,y", "1,yes", "2,yes ", "3, no", "4,no\u00a0", "5,\tyes")

    source = tables.csv(base=str(tmp_path), path="t.csv", target="y")

    assert source.classes == ("no", "yes")
    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert list(source.pool.inputs.columns) == ["a"]
    assert "t.csv: blanks around 3 values of y are dropped, which else were words of their own" in source.notes


def test_blanks_in_json_lines_are_dropped_too_and_its_types_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "t.jsonl", '{"a": "7", "date": "2021-01-05", "y": "yes "}', '{"a": "?", "date": "?", "y": "yes"}')

    frame = read_table.read(str(tmp_path), "t.jsonl", Reading(missing=["?"]))

    assert frame["y"].tolist() == ["yes", "yes"]
    assert frame["a"].tolist()[0] == "7"
    assert frame["date"].tolist()[0] == "2021-01-05"
    assert frame["a"].isna().tolist() == frame["date"].isna().tolist() == [False, True]


def test_tables_and_texts_take_the_same_keys_of_a_file() -> None:
    keys = [field.name for field in fields(RowFile)]

    for load in (tables.csv, texts.load):
        assert set(keys) < set(inspect.signature(load).parameters)
        assert set(keys) < set(sentences(load))


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (["ham\tsee you, then", *(f"{('ham', 'spam')[i % 3 == 0]}\tword {i}" for i in range(30))], True),
        (["p\tx\ts", *(f"{'pe'[i % 2]}\t{'xfb'[i % 3]}\t{'sy'[i % 4 > 1]}" for i in range(30))], True),
        (["label\ttext", *(f"{('ham', 'label')[i == 3]}\ttext {i}" for i in range(30))], False),
        (["label\ttext", *(f"{('ham', 'spam')[i % 3 == 0]}\tword {i}" for i in range(30))], False),
        (["a\tb", *(("x\ty", "a\tb")[i % 3 == 0] for i in range(30))], False),
    ],
    ids=["a class and a text", "classes", "a stray name", "a header", "a header that comes again"],
)
def test_a_first_line_of_words_that_are_classes_is_a_row(tmp_path: Path, lines: list[str], row: bool) -> None:
    write(tmp_path / "t.tsv", *lines)

    options, _ = dialect.guess(str(tmp_path), "t.tsv")

    assert options.get("header", True) is not row
    frame = read_table.read(str(tmp_path), "t.tsv", Reading(separator="\t"))
    assert bool(dataframe.header_note(frame, "t.tsv", Reading(separator="\t"))) is row


@pytest.mark.parametrize("gap", [" ", "   ", "\t "])
def test_columns_between_blanks_are_guessed_and_read(tmp_path: Path, gap: str) -> None:
    rows = [(i * 0.5, i * i, "xz"[i % 2]) for i in range(30)]
    write(tmp_path / "t.txt", f" a{gap}b{gap}y", *(f"  {a}{gap}{b}{gap}{y} " for a, b, y in rows))

    options, _ = dialect.guess(str(tmp_path), "t.txt")

    frame = read_table.read(str(tmp_path), "t.txt", Reading.of(options))
    assert list(frame.itertuples(index=False, name=None)) == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "a;b;y\n1,5;2;x\n2,5;3;z\n", "its first line has names, 'a;b;y'; is data.separator right?"),
        ("t.csv", "# made by x\na,b,y\n1,2,x\n", "its first line has names, '# made by x'; it names each column"),
        (
            "t.json",
            '[{"a": 1, "y": "x"}]',
            "is JSON as a whole; tables are CSV or JSON lines: write an object per line",
        ),
        (
            "t.parquet",
            "PAR1",
            "is of another kind; tables are CSV or JSON lines: write it with pandas.DataFrame.to_csv",
        ),
        ("t.xlsx", "PK", "is a spreadsheet; tables are CSV or JSON lines: save it as CSV"),
        ("t.csv", "a,a,y\n1,2,x\n", "two columns are called a: call one otherwise, or say data.header: false"),
    ],
)
def test_a_file_of_another_form_is_refused_with_a_way_on(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)

    with pytest.raises(DataError, match=re.escape(message)):
        read_table.read(str(tmp_path), name)


def test_utf_32_is_read_by_its_mark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("ä,y\n1,x\n2,z\n".encode("utf-32"))

    options, _ = dialect.guess(str(tmp_path), "t.csv")

    assert read_table.read(str(tmp_path), "t.csv", Reading.of(options))["ä"].tolist() == [1, 2]
    with pytest.raises(DataError, match=r"looks like UTF-32: say data\.encoding: utf-32"):
        read_table.read(str(tmp_path), "t.csv")
