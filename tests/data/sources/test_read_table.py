from __future__ import annotations

import inspect
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.data_files import write
from tuner.data.rows import Source
from tuner.data.sources import dataframe, number_format, read_table
from tuner.data.sources import table as tables
from tuner.data.sources import text as texts
from tuner.data.sources.read_table import Reading
from tuner.data.sources.row_file import RowFile
from tuner.errors import DataError
from tuner.scaffold import dialect
from tuner.schema.from_signatures import sentences

CHANCE = np.random.default_rng(0)
VALUES = np.round(CHANCE.normal(0, 3000, 60), 2)


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def table(folder: Path, spelt: list[str], **given: Any) -> Source:
    write(folder / "t.csv", "a;b;y", *(f'"{one}";{i};{"xz"[i % 2]}' for i, one in enumerate(spelt)))
    return tables.csv(base=str(folder), path="t.csv", target="y", separator=";", **given)


@pytest.mark.parametrize(
    ("spelt", "keys"),
    [
        ([f"{value:.2f}".replace(".", ",") for value in VALUES], {"decimal": ","}),
        ([german(value) for value in VALUES], {"decimal": ",", "thousands": "."}),
        ([f"{value:,.2f}" for value in VALUES], {"thousands": ","}),
        ([f"{value:,.2f}".replace(",", "\u202f") for value in VALUES], {"thousands": " "}),
        ([f"{value:,.2f}".replace(",", "'") for value in VALUES], {"thousands": "'"}),
        ([f"{value:.2f} %" for value in VALUES], {}),
        ([f"${value:.2f}" for value in VALUES], {}),
        ([f"{german(value)} €" for value in VALUES], {"decimal": ",", "thousands": "."}),
        ([f"  {value:.2f} " for value in VALUES], {}),
        ([f"{value:.2f}".replace("-", "\u2212") for value in VALUES], {}),
        ([f"{value:.2f}".translate({48 + i: 0x0660 + i for i in range(10)}) for value in VALUES], {}),
        ([f"{value:.2f}".translate({48 + i: 0xFF10 + i for i in range(10)}) for value in VALUES], {}),
        ([repr(value).replace(".", ",") + "e0" for value in VALUES.tolist()], {"decimal": ","}),
    ],
)
def test_numbers_are_read_by_their_signs(tmp_path: Path, spelt: list[str], keys: dict[str, str]) -> None:
    source = table(tmp_path, spelt, **keys)

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert np.array_equal(source.pool.inputs["a"].to_numpy(), VALUES)
    assert source.pool.inputs["b"].tolist() == list(range(60))


@pytest.mark.parametrize(
    ("spelt", "message"),
    [
        (["1,5", "20,25"], "such as '1,5': say data.decimal: \",\" if that is 1.5"),
        (
            ["12", "1,234"],
            'such as \'1,234\': say data.thousands: "," if that is 1234, or say data.decimal: "," if that is 1.234',
        ),
        (["1.234,5", "3"], 'such as \'1.234,5\': say data.decimal: "," and data.thousands: "." if that is 1234.5'),
        (["1 234.5"], "such as '1 234.5': say data.thousands: \" \" if that is 1234.5"),
        (["1,5", "2.5"], "they have more than one kind; mend the column, or leave it out of data.features"),
        (["5%", "0.5"], "they have more than one kind"),
        (["$5", "€5"], "they have more than one kind"),
        (["1,5", "?"], "such as '1,5': say data.decimal"),
    ],
)
def test_a_column_that_is_numeric_but_for_its_signs_is_an_error_with_its_line_and_key(
    tmp_path: Path, spelt: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: row \d+ \(line \d+\): column a is of numbers but for") as caught:
        table(tmp_path, spelt * 10)

    assert message in str(caught.value)


def test_the_line_is_counted_in_the_file_and_not_in_rows(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "note,a,y", '"two\nlines",1,x', "", 'one,"2,5",z', 'one,"3,5",z', 'one,"4,5",x')

    with pytest.raises(DataError, match=r"row 2 \(line 5\): column a .* such as '2,5'"):
        tables.csv(base=str(tmp_path), path="t.csv", target="y")


def test_indian_groups_are_thousands(tmp_path: Path) -> None:
    spelt = ["1,23,45,678.5", "-12,345", "999"] * 10

    with pytest.raises(DataError, match=r'such as .*: say data\.thousands: "," if that is 12345678\.5$'):
        table(tmp_path, spelt)
    source = table(tmp_path, spelt, thousands=",")

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs["a"].tolist() == [12345678.5, -12345, 999] * 10


def test_a_group_of_thousands_begins_with_no_nought_and_ends_in_no_power() -> None:
    for text in ("0.126", "0.126.000", "1.126e3"):
        assert not number_format.Spelling(",", ".").is_number(text)


@pytest.mark.parametrize("negative", ["({})", "{}-", "(${})"])
def test_negative_numbers_of_accounts_are_an_error(tmp_path: Path, negative: str) -> None:
    spelt = [negative.format(i) if i % 2 else f"{i}.5" for i in range(60)]

    with pytest.raises(DataError, match=r"row 2: column a is of numbers, but has '.*1.*' here: write negative numbers"):
        table(tmp_path, spelt)


def test_marks_with_a_minus_are_words(tmp_path: Path) -> None:
    source = table(tmp_path, ["1", "1-", "2", "2-"] * 10)

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert set(source.pool.inputs["a"]) == {"1", "1-", "2", "2-"}


def test_numbers_beyond_64_bits_are_numbers(tmp_path: Path) -> None:
    source = table(tmp_path, [str(10**25 + i * 10**20) for i in range(20)])

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs["a"].tolist() == [float(10**25 + i * 10**20) for i in range(20)]


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


def test_classes_that_are_all_taken_for_missing_but_one_are_told(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,y", "1,NA", "2,EU", "3,NA", "4,EU")

    with pytest.raises(DataError, match=r"besides 'NA', .* has one value only, EU; .* data\.keep_na: true"):
        tables.csv(base=str(tmp_path), path="t.csv", target="y")


@pytest.mark.parametrize("values", [["2021-01-05", "2022-02-01"], ["1.2.3", "4.5.6"], ["12:30", "1:15"], ["A1", "7,5"]])
def test_dates_versions_and_codes_are_no_numbers(tmp_path: Path, values: list[str]) -> None:
    source = table(tmp_path, values * 10)

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs["a"].tolist() == values * 10


def test_points_are_an_error_where_commas_are_said_to_be_the_decimal_sign(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"such as '1\.5': say data\.decimal: \"\.\" if that is 1\.5$"):
        table(tmp_path, ["1.5", "2.25"] * 10, decimal=",")
    with pytest.raises(
        DataError, match=r"such as '1\.555': say data\.decimal: \"\.\" if .*, or say data\.thousands: \"\.\" if"
    ):
        table(tmp_path, ["1.555", "2.255"] * 10, decimal=",")


def test_commas_are_no_thousands_unless_three_digits_follow(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column a is of numbers but for their signs, such as '1,5'"):
        table(tmp_path, ["1,5", "2,25"] * 10, thousands=",")


@pytest.mark.parametrize("word", ["?", "-", "unknown", "n/d"])
def test_a_word_for_missing_is_an_error_until_it_is_listed_however_often_it_stands(tmp_path: Path, word: str) -> None:
    spelt = [word if i % 3 else f"{i}.5" for i in range(90)]

    with pytest.raises(DataError, match=rf"but has '{re.escape(word)}' here \(60 such rows\): .*data\.missing"):
        table(tmp_path, spelt)
    source = table(tmp_path, spelt, missing=[word])

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs["a"].dropna().tolist() == [i + 0.5 for i in range(0, 90, 3)]


@pytest.mark.parametrize(
    ("number", "keys"), [("{},5", {"decimal": ","}), ("1.{:03d},5", {"decimal": ",", "thousands": "."}), ("{} %", {})]
)
def test_the_word_among_numbers_is_named_however_those_are_spelt(
    tmp_path: Path, number: str, keys: dict[str, Any]
) -> None:
    spelt = ["?" if i in (7, 9) else number.format(i) for i in range(60)]

    with pytest.raises(DataError, match=r"row 8: column a is of numbers, but has '\?' here \(2 such rows\)"):
        table(tmp_path, spelt, **keys)
    write(tmp_path / "all.csv", "a;y", *(f"{number.format(i)};{'xz'[i % 2]}" for i in range(60)))
    write(tmp_path / "later.csv", "a;y", f"{number.format(3)};x", "?;z")
    source = tables.csv(base=str(tmp_path), path="all.csv", target="y", separator=";", test_path="later.csv", **keys)
    assert source.test is not None
    with pytest.raises(DataError, match=r"^later\.csv: row 2: column a is of numbers, but has '\?' here"):
        source.test()


def test_a_few_codes_and_a_word_are_categories(tmp_path: Path) -> None:
    source = table(tmp_path, ["1", "2", "other", "other"] * 10)

    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert set(source.pool.inputs["a"]) == {"1", "2", "other"}


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


CLASSES = ("a,y,b", "1,None,NA", "2,minor,x", "3,None,", "4,minor,x", "NA,major,x")


def test_classes_that_pandas_takes_for_missing_are_counted_with_a_way_on(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", *CLASSES)

    source = tables.csv(base=str(tmp_path), path="t.csv", target="y")

    assert source.classes == ("major", "minor")
    assert source.notes[-1] == (
        "t.csv: 2 rows have no y and are left out, 2 of them as they have 'None' there; "
        "if it is a class, say data.keep_na: true"
    )


def test_they_are_kept_on_request_in_columns_of_words_only(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", *CLASSES)

    source = tables.csv(base=str(tmp_path), path="t.csv", target="y", keep_na=True)

    assert source.classes == ("None", "major", "minor")
    assert isinstance(source.pool.inputs, pd.DataFrame)
    assert source.pool.inputs["b"].fillna("").tolist() == ["NA", "x", "", "x", "x"]
    assert source.pool.inputs["a"].isna().tolist() == [False] * 4 + [True]
    assert source.pool.inputs["a"].dtype == np.float64


def test_texts_keep_such_words_and_their_blanks(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "text,target", "None,x", '"NA ",z', ",x", "null,z")

    source = texts.load(base=str(tmp_path), path="t.csv")

    assert isinstance(source.pool.inputs, np.ndarray)
    assert source.pool.inputs.tolist() == ["None", "NA ", "", "null"]


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
    assert all("say data.header: false" in note for note in notes)


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


def test_currencies_are_recognised_on_either_side() -> None:
    for text in ("$5", "5 €", "-£5", "£-5", "5¥", "₹ 5"):
        assert number_format.USUAL.is_number(text)
        assert abs(float(number_format.USUAL.plain(text))) == 5
    assert not number_format.USUAL.is_number("5 apples")
    assert not number_format.USUAL.is_number("%")


@pytest.mark.parametrize(
    ("spelt", "want"), [("{}", 1.0), ("{},5", 1.5), ("{} %", 1.0)], ids=["usual", "decimal comma", "percent"]
)
def test_rows_without_a_target_say_nothing_of_what_a_column_is(tmp_path: Path, spelt: str, want: float) -> None:
    rows = [f'"{spelt.format(i)}";{"xz"[i % 2]}' for i in range(30)]
    write(tmp_path / "t.csv", "a;y", *rows, "Total;")
    write(tmp_path / "later.csv", "a;y", "sum;", *rows[:4])

    source = tables.csv(
        base=str(tmp_path), path="t.csv", target="y", separator=";", decimal="," if "," in spelt else ".",
        test_path="later.csv",
    )  # fmt: skip

    assert source.test is not None
    for inputs, count in ((source.pool.inputs, 30), (source.test().inputs, 4)):
        assert isinstance(inputs, pd.DataFrame)
        assert inputs["a"].astype(float).tolist() == [i + want - 1 for i in range(count)]
        assert dataframe.is_numbers(inputs["a"])


def test_numbers_that_json_has_as_texts_too_are_numbers(tmp_path: Path) -> None:
    rows = [{"a": i if i % 3 else str(i), "b": str(i), "y": "xz"[i % 2]} for i in range(12)]
    lines = map(json.dumps, rows)

    source = tables.csv(base=str(tmp_path), path=write(tmp_path / "t.jsonl", *lines).name, target="y")

    inputs = source.pool.inputs
    assert isinstance(inputs, pd.DataFrame)
    assert dataframe.is_numbers(inputs["a"])
    assert inputs["a"].tolist() == list(range(12))
    assert inputs["b"].tolist() == [str(i) for i in range(12)]


@pytest.mark.parametrize(
    ("trained", "later", "message"),
    [
        ("{}%", "{}", "column a has no sign, and the sign % in the rows to train on"),
        ("{}", "{} %", "column a has the sign %, and no sign in the rows to train on"),
        ("${}", "{} €", "column a has the sign €, and the sign $ in the rows to train on"),
        ("${}", "{}", None),
        ("{}%", "{} %", None),
        ("{}%", "", None),
    ],
)
def test_a_test_file_has_the_signs_of_the_rows_to_train_on(
    tmp_path: Path, trained: str, later: str, message: str | None
) -> None:
    for name, spelt in (("t.csv", trained), ("later.csv", later)):
        write(tmp_path / name, "a,b,y", *(f"{spelt.format(i)},{i * i},{'xz'[i % 2]}" for i in range(12)))
    source = tables.csv(base=str(tmp_path), path="t.csv", target="y", test_path="later.csv")
    assert source.test is not None

    if message is None:
        assert len(source.test()) == 12
    else:
        with pytest.raises(DataError, match=re.escape(message)):
            source.test()


def test_a_target_in_percent_is_tested_on_in_percent(tmp_path: Path) -> None:
    for name, sign in (("t.csv", "%"), ("later.csv", "")):
        write(tmp_path / name, "text,y", *(f"word {i},{i / 2}{sign}" for i in range(30)))
    for load, more in ((tables.csv, {}), (texts.load, {"text": "text"})):
        source = load(base=str(tmp_path), path="t.csv", target="y", test_path="later.csv", **more)
        assert source.test is not None

        with pytest.raises(DataError, match="column y has no sign, and the sign % in the rows to train on"):
            source.test()


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


def test_rows_without_a_group_are_one_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "g,text,y", *(f"{'' if i % 4 == 0 else i % 6},word {i},{'xz'[i % 2]}" for i in range(24)))

    for load, more in ((tables.csv, {}), (texts.load, {"text": "text"})):
        source = load(base=str(tmp_path), path="t.csv", target="y", group="g", **more)

        assert source.pool.groups is not None
        assert len(set(source.pool.groups[::4].tolist())) == 1
        assert "t.csv: 6 rows have no g; such rows are one group and stay together" in source.notes


@pytest.mark.parametrize(("spelt", "codes"), [("{:05}", True), ("{:02}", False), ("{}", False), ("1{:04}", False)])
def test_numbers_with_zeros_in_front_are_said_to_be_codes(tmp_path: Path, spelt: str, codes: bool) -> None:
    write(tmp_path / "t.csv", "zip,b,y", *(f"{spelt.format(i * 7 % 90)},{i * i},{'xz'[i % 2]}" for i in range(30)))

    source = tables.csv(base=str(tmp_path), path="t.csv", target="y")

    assert any("the values of zip are read as numbers, though zeros" in note for note in source.notes) is codes
