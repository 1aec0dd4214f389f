from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.data_files import write
from tests.support.data_tables import table
from tuner.data.sources import dataframe, number_format
from tuner.data.sources import table as tables
from tuner.data.sources import text as texts
from tuner.errors import DataError

CHANCE = np.random.default_rng(0)
VALUES = np.round(CHANCE.normal(0, 3000, 60), 2)


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


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
        ("{}%", "{}", "column a has no sign, and the sign % in the training rows"),
        ("{}", "{} %", "column a has the sign %, and no sign in the training rows"),
        ("${}", "{} €", "column a has the sign €, and the sign $ in the training rows"),
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

        with pytest.raises(DataError, match="column y has no sign, and the sign % in the training rows"):
            source.test()


@pytest.mark.parametrize(("spelt", "codes"), [("{:05}", True), ("{:02}", False), ("{}", False), ("1{:04}", False)])
def test_numbers_with_zeros_in_front_are_said_to_be_codes(tmp_path: Path, spelt: str, codes: bool) -> None:
    write(tmp_path / "t.csv", "zip,b,y", *(f"{spelt.format(i * 7 % 90)},{i * i},{'xz'[i % 2]}" for i in range(30)))

    source = tables.csv(base=str(tmp_path), path="t.csv", target="y")

    assert any("the values of zip are read as numbers, though zeros" in note for note in source.notes) is codes
