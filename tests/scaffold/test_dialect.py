from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tuner.errors import DataError
from tuner.scaffold import dialect, table_space
from tuner.scaffold.findings import Kind

VALUES = np.round(np.random.default_rng(1).normal(0, 3000, 60), 2)
KINDS = ["ja" if value > 0 else "nein" for value in VALUES]


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def write(folder: Path, columns: list[list[str]], header: str | None, separator: str, encoding: str = "utf-8") -> None:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in zip(*columns, strict=True)]
    lines = [*([header] if header else []), *(separator.join(row) for row in quoted)]
    (folder / "t.csv").write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))


@pytest.mark.parametrize(
    ("separator", "spelt", "keys"),
    [
        (";", [f"{value:.2f}".replace(".", ",") for value in VALUES], {"separator": ";", "decimal": ","}),
        (";", [german(value) for value in VALUES], {"separator": ";", "decimal": ",", "thousands": "."}),
        (",", [f"{value:,.2f}" for value in VALUES], {"thousands": ","}),
        (",", [f"{value:.2f}".replace(".", ",") for value in VALUES], {"decimal": ","}),
        ("\t", [f"{value:,.2f}".replace(",", " ") for value in VALUES], {"separator": "\t", "thousands": " "}),
        ("|", [str(value) for value in VALUES], {"separator": "|"}),
    ],
)
def test_signs_are_guessed_and_the_space_reads_the_numbers(
    tmp_path: Path, separator: str, spelt: list[str], keys: dict[str, str]
) -> None:
    write(tmp_path, [spelt, KINDS], separator.join(["Wert", "Klasse"]), separator)

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section == {"type": "csv", "path": "t.csv", "target": "Klasse", **keys}
    assert isinstance(found.source.pool.inputs, pd.DataFrame)
    assert np.array_equal(found.source.pool.inputs["Wert"].to_numpy(), VALUES)


@pytest.mark.parametrize(
    ("encoding", "keys"),
    [
        ("utf-8-sig", {}),
        ("cp1252", {"encoding": "cp1252"}),
        ("utf-16", {"encoding": "utf-16"}),
        ("utf-16-le", {"encoding": "utf-16-le"}),
        ("utf-16-be", {"encoding": "utf-16-be"}),
    ],
)
def test_the_encoding_is_guessed(tmp_path: Path, encoding: str, keys: dict[str, str]) -> None:
    write(tmp_path, [[str(value) for value in VALUES], KINDS], "Größe,Klasse", ",", encoding)

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section == {"type": "csv", "path": "t.csv", "target": "Klasse", **keys}
    assert isinstance(found.source.pool.inputs, pd.DataFrame)
    assert list(found.source.pool.inputs.columns) == ["Größe"]


def test_a_missing_header_is_guessed_even_with_values_that_are_the_same(tmp_path: Path) -> None:
    write(tmp_path, [["1.5", *map(str, VALUES)], ["1.5", *map(str, VALUES)], ["ja", *KINDS]], None, ",")

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section["header"] is False
    assert found.section["target"] == "column3"
    assert found.rows == 61
    assert "it has no header: the columns are called column1, column2 and so on" in found.decided


def test_equal_numbers_in_the_first_line_are_a_row(tmp_path: Path) -> None:
    write(
        tmp_path,
        [["0", *(str(i % 7) for i in range(60))], ["0", *map(str, range(60))], ["1", *["0", "1"] * 30]],
        None,
        ",",
    )

    assert table_space.look(str(tmp_path), "t.csv", None).section["header"] is False


def test_numbers_that_are_not_spelt_alike_are_left_out_by_that_reason(tmp_path: Path) -> None:
    mixed = [f"{value}%" if i % 2 else str(value) for i, value in enumerate(VALUES)]
    write(tmp_path, [mixed, [str(value) for value in VALUES], KINDS], "a,b,y", ",")

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section["features"] == ["b"]
    assert f"left out: a, numbers that are not spelt alike, such as '{mixed[1]}'; mend them to use it" in found.decided


def test_words_for_missing_are_guessed_among_numbers_only(tmp_path: Path) -> None:
    gaps = ["?" if i % 3 == 0 else str(value) for i, value in enumerate(VALUES)]
    write(tmp_path, [gaps, ["-" if i % 2 else "b" for i in range(60)], KINDS], "a,b,y", ",")

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section["missing"] == ["?"]
    assert isinstance(found.source.pool.inputs, pd.DataFrame)
    assert found.source.pool.inputs["a"].isna().sum() == 20
    assert set(found.source.pool.inputs["b"]) == {"-", "b"}


@pytest.mark.parametrize(("word", "times", "kept"), [("None", 20, True), ("NA", 1, False)])
def test_a_class_that_pandas_takes_for_missing_is_one_when_it_is_as_common(
    tmp_path: Path, word: str, times: int, kept: bool
) -> None:
    write(tmp_path, [[str(value) for value in VALUES], [*KINDS[times:], *[word] * times]], "a,y", ",")

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.section.get("keep_na", False) is kept
    assert (word in found.source.classes) is kept


def test_nested_json_lines_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    rows: dict[str, Any] = {"a": VALUES, "who": [{"age": 7}] * 60, "tags": [[7]] * 60, "y": KINDS}
    pd.DataFrame(rows).to_json(tmp_path / "t.jsonl", orient="records", lines=True)

    found = table_space.look(str(tmp_path), "t.jsonl", None)

    assert found.section["features"] == ["a"]
    assert "left out: who, which has lists or mappings" in found.decided
    assert "left out: tags, which has lists or mappings" in found.decided


def test_texts_with_another_separator_are_texts(tmp_path: Path) -> None:
    sentences = [f"ein Satz mit mehreren Wörtern, Nummer {i}" for i in range(60)]
    write(tmp_path, [sentences, KINDS], "text;klasse", ";")

    found = table_space.look(str(tmp_path), "t.csv", None)

    assert found.kind is Kind.TEXTS
    assert found.section["separator"] == ";"


def test_a_usual_file_needs_no_keys(tmp_path: Path) -> None:
    write(tmp_path, [[str(value) for value in VALUES], KINDS], "a,y", ",")

    assert dialect.guess(str(tmp_path), "t.csv") == ({}, [])


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        dialect.guess(str(tmp_path), "t.csv")
