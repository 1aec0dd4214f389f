from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.support.data_files import write
from tests.support.data_tables import table
from tuner.data.sources import table as tables
from tuner.data.sources import text as texts
from tuner.errors import DataError


def test_classes_that_are_all_taken_for_missing_but_one_are_told(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,y", "1,NA", "2,EU", "3,NA", "4,EU")

    with pytest.raises(DataError, match=r"one value only, EU, besides 'NA', .* set data\.keep_na: true"):
        tables.csv(base=str(tmp_path), path="t.csv", target="y")


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


def test_rows_without_a_group_are_one_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "g,text,y", *(f"{'' if i % 4 == 0 else i % 6},word {i},{'xz'[i % 2]}" for i in range(24)))

    for load, more in ((tables.csv, {}), (texts.load, {"text": "text"})):
        source = load(base=str(tmp_path), path="t.csv", target="y", group="g", **more)

        assert source.pool.groups is not None
        assert len(set(source.pool.groups[::4].tolist())) == 1
        assert "t.csv: 6 rows have no g; such rows are one group and stay together" in source.notes
