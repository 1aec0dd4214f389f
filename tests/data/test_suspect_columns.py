from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.support.audits import fresh, noisy, told
from tuner.data import audit
from tuner.data.rows import Rows, Source
from tuner.goal import Task

NUMBERS = ": such numbers count or name the rows, and tell nothing of a new one; leave it out of data.features"


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("a", np.arange(100), True),
        ("a", np.arange(100, 0, -1) * 7, True),
        ("a", np.random.default_rng(0).permutation(100) + 5000, True),
        ("a", np.cumsum(np.random.default_rng(0).integers(1, 3, 100)), True),
        ("population", np.sort(np.random.default_rng(0).choice(10**9, 100, replace=False)), False),
        ("population", np.sort(np.random.default_rng(0).choice(10**5, 100, replace=False))[::-1], False),
        ("customer_id", np.random.default_rng(0).choice(10**9, 100, replace=False), True),
        ("CustomerId", np.random.default_rng(0).choice(10**9, 100, replace=False), True),
        ("paid", np.random.default_rng(0).choice(10**9, 100, replace=False), False),
        ("grid", np.random.default_rng(0).choice(10**9, 100, replace=False), False),
        ("piano", np.random.default_rng(0).choice(10**9, 100, replace=False), False),
        ("heat_index", np.random.default_rng(0).choice(10**9, 100, replace=False), False),
        ("a", np.random.default_rng(0).choice(10**9, 100, replace=False), False),
        ("a", np.arange(100) // 2, False),
        ("a", np.linspace(0, 1, 100), False),
        ("id", np.random.default_rng(0).normal(size=100), False),
    ],
)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_column_that_numbers_the_rows_is_named(name: str, values: Any, said: bool, as_tensor: bool) -> None:
    other, targets = noisy(100, 1).numpy().ravel(), (torch.rand(100, generator=fresh(1)) > 0.5).long()
    table = pd.DataFrame({name: values, "b": other})
    said = said and not (as_tensor and name.endswith(("id", "Id")))  # columns of a tensor have no names

    notes = told(torch.from_numpy(table.to_numpy(float)) if as_tensor else table, targets, 20)

    assert notes == ((f"data: {'inputs[:, 0]' if as_tensor else f'column {name}'}{NUMBERS}",) if said else ())


def test_numbers_of_the_rows_are_seen_in_some_of_them() -> None:
    numbers = np.random.default_rng(0).permutation(200) + 5000
    table = pd.DataFrame({"a": numbers, "b": noisy(200, 1).numpy().ravel()})
    targets = torch.randint(0, 2, (200,), generator=fresh(1))
    source = Source(Task.CLASSIFICATION, ("0", "1"), Rows(table, targets))

    notes = audit.notes(source, torch.arange(0, 100), torch.arange(100, 130), torch.arange(130, 200))

    assert notes == (f"data: column a{NUMBERS}",)


@pytest.mark.parametrize("name", ["year", "orbit_time", "Age"])
def test_times_go_up_by_one_and_number_nothing(name: str) -> None:
    table = pd.DataFrame({name: np.arange(1900, 2000), "b": noisy(100, 1).numpy().ravel()})

    assert told(table, torch.randint(0, 2, (100,), generator=fresh(1)), 20) == ()


GIVES = ": each value has one target throughout; leave it out of data.features if it is known only later"


@pytest.mark.parametrize(
    ("leak", "said"),
    [
        (lambda y: y, True),
        (lambda y: np.array(["alpha", "beta", "gamma"], dtype=object)[y], True),
        (lambda y: y * 10 + np.random.default_rng(1).integers(0, 3, len(y)), True),
        (lambda y: np.where(np.arange(len(y)) == 150, 1, y + 1), False),
        (lambda y: np.random.default_rng(1).normal(size=len(y)), False),
        (lambda y: y * 0, False),
    ],
)
def test_a_column_that_gives_the_class_away_is_named(leak: Any, said: bool) -> None:
    y = np.random.default_rng(0).integers(0, 3, 200)
    y[150] = 2

    notes = told(pd.DataFrame({"leak": leak(y), "b": noisy(200, 1).numpy().ravel()}), torch.from_numpy(y), 40)

    assert notes == ((f"data: column leak{GIVES}",) if said else ())


def test_rare_rows_with_rare_words_give_nothing_away() -> None:
    y, words = np.zeros(200, dtype=np.int64), np.array(["a", "b", "c", "d"] * 50, dtype=object)
    y[[5, 150]] = 1
    y[190], words[[5, 150, 190]] = 1, ["e", "f", "g"]

    assert told(pd.DataFrame({"w": words, "b": noisy(200, 1).numpy().ravel()}), torch.from_numpy(y), 40) == ()


@pytest.mark.parametrize(
    ("leak", "said"),
    [
        (lambda y: y, True),
        (lambda y: -3 * y + 1, True),
        (lambda y: np.exp(y), True),
        (lambda y: y + np.random.default_rng(1).normal(0, 0.1, len(y)), False),
    ],
)
def test_a_column_that_gives_a_quantity_away_is_named(leak: Any, said: bool) -> None:
    y = np.random.default_rng(0).normal(size=200)
    inputs = torch.from_numpy(np.column_stack([np.random.default_rng(2).normal(size=200), leak(y)]))

    assert told(inputs, torch.from_numpy(y)[:, None], 40) == ((f"data: inputs[:, 1]{GIVES}",) if said else ())


def test_a_column_with_gaps_gives_a_quantity_away_where_it_has_numbers() -> None:
    y = np.random.default_rng(0).normal(size=200)
    leak = np.where(np.arange(200) % 9 == 0, np.nan, 1.8 * y + 32)
    table = pd.DataFrame({"a": np.random.default_rng(2).normal(size=200), "b": leak})

    assert told(table, torch.from_numpy(y)[:, None], 40) == (f"data: column b{GIVES}",)


def test_the_only_column_may_be_what_it_is() -> None:
    grid = torch.arange(100.0)[:, None]

    assert told(grid, 2 * grid, 20) == ()


DATES = ": dates are read as words; put years, months or ages into columns of numbers, or leave it out of data.features"
MEASURED = ": numbers with a unit are read as words; take the unit out of the file"


def kinds() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(chance.integers(0, 2000, 1300), unit="D")
    return pd.DataFrame(
        {
            "iso": days.strftime("%Y-%m-%d"),
            "german": days.strftime("%d.%m.%Y"),
            "time": days.strftime("%Y/%m/%d 12:30:05"),
            "english": days.strftime("%b %d, %Y"),
            "name": [f"Person {i}" for i in range(1300)],
            "town": [f"town{i}" for i in chance.integers(0, 200, 1300)],
            "colour": chance.choice(["red", "Red", "blue"], 1300),
            "weight": [f"{i % 500} kg" for i in range(1300)],
            "paid": [f"USD {i % 300}.5" for i in range(1300)],
            "version": chance.choice(["1.2", "v3", "b-4"], 1300),
            "size": chance.normal(size=1300),
        }
    )


@pytest.mark.parametrize(
    ("column", "message"),
    [
        *[(name, MEASURED) for name in ("weight", "paid")],
        *[(name, DATES) for name in ("iso", "german", "time", "english")],
        ("name", ": names or texts, hardly any of which comes twice; leave it out of data.features"),
        ("town", ": the 50 most common words have an input each, all others share one"),
    ],
)
def test_words_that_are_no_categories_are_named_with_their_number(column: str, message: str) -> None:
    table = kinds()[[column, "size"]]

    notes = told(table, torch.randint(0, 2, (1300,), generator=fresh(1)), 300)

    assert notes == (f"data: column {column} ({table[column].nunique():,} different){message}",)


def spelt_as_numbers() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    days = pd.Timestamp("2003-01-01") + pd.to_timedelta(chance.integers(0, 6000, 300), unit="D")
    seconds = days.to_numpy().astype("datetime64[s]").astype(np.int64) + chance.integers(0, 86400, 300)
    return pd.DataFrame(
        {
            "day": days.strftime("%Y%m%d").astype(int),
            "gaps": days.strftime("%Y%m%d")
            .astype(float)
            .to_series()
            .reset_index(drop=True)
            .where(chance.random(300) > 0.1),
            "month": days.strftime("%Y%m").astype(int),
            "s": seconds,
            "float": seconds + 0.25,
            "ms": seconds * 1000,
            "ns": seconds * 10**9 + 7,
            "year": chance.integers(1990, 2024, 300),
            "price": chance.integers(190_001, 990_000, 300),
            "people": chance.integers(10**3, 2 * 10**9, 300),
            "phone": chance.integers(2 * 10**9, 10**10, 300),
            "code": chance.integers(10**7, 3 * 10**7, 300),
            "two": chance.choice([20200101, 20200102], 300),
            "size": chance.normal(size=300),
        }
    )


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        *[("day", "YYYYMMDD"), ("gaps", "YYYYMMDD"), ("month", "YYYYMM")],
        *[("s", "seconds since 1970"), ("float", "seconds since 1970")],
        *[("ms", "milliseconds since 1970"), ("ns", "nanoseconds since 1970")],
        *[(name, None) for name in ("year", "price", "people", "phone", "code", "two")],
    ],
)
def test_dates_and_times_that_are_read_as_numbers_are_named(column: str, kind: str | None) -> None:
    notes = told(spelt_as_numbers()[[column, "size"]], torch.randint(0, 2, (300,), generator=fresh(1)), 100)

    way_on = "make columns of years, months, weekdays, hours or ages, or leave it out of data.features"
    said = f"data: column {column} ({kind}): dates and times are read as plain numbers; {way_on}"
    assert notes == (() if kind is None else (said,))


def test_whole_numbers_that_gaps_made_float64_are_named() -> None:
    numbers = np.random.default_rng(0).integers(-(2**62), 2**62, 300).astype(np.float64)
    numbers[7] = np.nan

    notes = told(pd.DataFrame({"a": numbers, "b": noisy(300, 1).numpy().ravel()}), torch.arange(300) % 2, 100)

    told_of = "whole numbers beyond 2**53 in a column with gaps keep 15 digits"
    assert notes == (f"data: column a: {told_of}; subtract a constant in the file, or fill the gaps",)


def test_categories_that_differ_in_capitals_are_named() -> None:
    table = kinds()[["colour", "version", "size"]]
    counts = table["colour"].value_counts()

    (note,) = told(table, torch.randint(0, 2, (1300,), generator=fresh(1)), 300)

    assert note.startswith("data: words of column colour that differ only in capitals or blanks; are they one word? ")
    assert f"'red' ({counts['red']} rows)" in note
    assert f"'Red' ({counts['Red']} rows)" in note


def test_many_such_columns_are_one_sentence() -> None:
    table = pd.DataFrame({f"id{i}": [f"{i}x{j}" for j in range(100)] for i in range(9)})

    (note,) = told(table, torch.randint(0, 2, (100,), generator=fresh(1)), 20)

    assert "column id0 (100 different), column id1 (100 different), column id2 (100 different) and 6 more: " in note
