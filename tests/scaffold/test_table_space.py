from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tuner.errors import DataError
from tuner.scaffold import table_space
from tuner.scaffold.findings import Found, Kind
from tuner.scaffold.ranges import ranges

ROWS = 40
COLOURS = ["red", "blue"] * (ROWS // 2)
SIZES = [i / 7 for i in range(ROWS)]
SENTENCES = [f"a sentence of several words with the number {i}" for i in range(ROWS)]


def look(folder: Path, columns: dict[str, object], target: str | None = None, separator: str = ",") -> Found:
    pd.DataFrame(columns).to_csv(folder / "rows.csv", index=False, sep=separator)
    return table_space.look(str(folder), "rows.csv", target)


@pytest.mark.parametrize("name", ["target", "Label", "class", "y"])
def test_a_column_with_the_usual_name_is_predicted(name: str, tmp_path: Path) -> None:
    found = look(tmp_path, {"size": SIZES, name: COLOURS, "weight": SIZES})

    assert found.section["target"] == name
    assert found.source.classes == ("blue", "red")


def test_else_it_is_the_last_that_can_be(tmp_path: Path) -> None:
    found = look(tmp_path, {"colour": COLOURS, "size": SIZES, "same": [1] * ROWS})

    assert found.section["target"] == "size"
    assert found.regression


def test_a_column_that_is_named_is_taken_whatever_the_others_are(tmp_path: Path) -> None:
    found = look(tmp_path, {"colour": COLOURS, "target": SIZES}, target="colour")

    assert found.section["target"] == "colour"


def test_a_column_that_is_not_there_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no column color \(did you mean colour\?\)"):
        look(tmp_path, {"colour": COLOURS, "size": SIZES}, target="color")


def test_columns_that_tell_nothing_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    names = [f"name{i}" for i in range(ROWS)]

    found = look(tmp_path, {"id": range(ROWS), "name": names, "same": ["x"] * ROWS, "size": SIZES, "target": COLOURS})

    assert found.section["features"] == ["size"]
    assert "left out: id, which numbers the rows" in found.decided
    assert "left out: name, whose words are nearly all different" in found.decided
    assert "left out: same, which is the same in every row" in found.decided


def test_numbers_of_rows_by_any_name_and_dates_are_left_out(tmp_path: Path) -> None:
    days = [f"2024-{1 + i // 28:02}-{1 + i % 28:02}" for i in range(ROWS)]
    columns: dict[str, object] = {"customer": range(1000, 1000 + ROWS), "since": days, "size": SIZES, "target": COLOURS}

    found = look(tmp_path, columns)

    assert found.section["features"] == ["size"]
    assert "left out: customer, which numbers the rows" in found.decided
    assert "left out: since, which has dates" in found.decided


def test_a_column_that_numbers_the_rows_is_kept_where_there_is_no_other(tmp_path: Path) -> None:
    found = look(tmp_path, {"step": range(ROWS), "target": COLOURS})

    assert "features" not in found.section


def test_where_nothing_is_left_out_no_features_are_listed(tmp_path: Path) -> None:
    assert "features" not in look(tmp_path, {"size": SIZES, "target": COLOURS}).section


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_read_off_the_header(separator: str, tmp_path: Path) -> None:
    found = look(tmp_path, {"size": SIZES, "target": COLOURS}, separator=separator)

    assert found.section["separator"] == separator
    assert found.rows == ROWS


@pytest.mark.parametrize("name", ["text", "whatever"])
def test_a_column_of_sentences_makes_it_a_file_of_texts(name: str, tmp_path: Path) -> None:
    found = look(tmp_path, {"kind": COLOURS, name: SENTENCES})

    assert found.kind is Kind.TEXTS
    assert found.section == {"type": "text", "text": name, "path": "rows.csv", "target": "kind"}


def test_sentences_among_columns_of_numbers_are_left_out_of_a_table(tmp_path: Path) -> None:
    found = look(tmp_path, {"remark": SENTENCES, "size": SIZES, "weight": SIZES, "target": COLOURS})

    assert found.kind is Kind.TABLE
    assert found.section["features"] == ["size", "weight"]


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    pd.DataFrame({"text": SENTENCES, "label": COLOURS}).to_json(tmp_path / "rows.jsonl", orient="records", lines=True)

    found = table_space.look(str(tmp_path), "rows.jsonl", None)

    assert found.kind is Kind.TEXTS
    assert found.section["target"] == "label"


def test_a_class_with_nearly_all_rows_is_noticed(tmp_path: Path) -> None:
    assert look(tmp_path, {"size": SIZES, "target": ["rare"] * 5 + ["usual"] * 35}).uneven
    assert not look(tmp_path, {"size": SIZES, "target": COLOURS}).uneven


def test_a_file_with_nothing_to_predict_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column to predict among one and two; name one with --target"):
        look(tmp_path, {"one": [1] * ROWS, "two": [2] * ROWS})


def test_sentences_without_blanks_are_texts_too(tmp_path: Path) -> None:
    letters = [chr(0x4E00 + i) for i in range(200)]
    sentences = ["".join(letters[(i * 7 + j * j) % 200] for j in range(12)) + str(i) for i in range(ROWS)]

    found = look(tmp_path, {"text": sentences, "label": COLOURS})

    assert found.kind is Kind.TEXTS
    assert 12 <= ranges(found)["length"] <= 16
