from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.support.data_files import picture, section, write
from tuner import data
from tuner.config import On
from tuner.data import audit
from tuner.data.rows import Rows, Source, as_bytes
from tuner.goal import Task

CHANCE = torch.Generator().manual_seed(0)


def told(inputs: Any, targets: torch.Tensor, valid: int, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """The notes on rows of which the last ones validate."""
    count = len(targets)
    task = Task.REGRESSION if targets.is_floating_point() else Task.CLASSIFICATION
    names = tuple(classes) or tuple(map(str, range(int(targets.max()) + 1))) if task is Task.CLASSIFICATION else ()
    source = Source(task, names, Rows(inputs, targets))
    return audit.notes(source, torch.arange(count - valid), torch.arange(count - valid, count), None)


def noisy(rows: int = 100, width: int = 3) -> torch.Tensor:
    return torch.randn(rows, width, generator=CHANCE)


COPIES = "data: copies of training rows flatter the score, leave them out: "


@pytest.mark.parametrize("width", [3, 300])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int16])
def test_copies_of_training_rows_are_counted(width: int, dtype: torch.dtype) -> None:
    inputs = (noisy(100, width) * 1000).to(dtype)
    inputs[80:87] = inputs[:7]
    targets = torch.arange(100) % 2
    targets[80:87] = targets[:7]

    assert told(inputs, targets, 20) == (f"{COPIES}7 of 20 validation rows",)


def test_copies_are_counted_in_tables_texts_and_images() -> None:
    codes = np.random.default_rng(0).permutation(100)
    codes[90:] = codes[:10]
    targets = torch.from_numpy(codes % 2)
    table = pd.DataFrame({"a": codes * 1.5, "b": [f"word{code % 7}" for code in codes]})
    texts = np.array([f"text {code}" for code in codes], dtype=object)
    images = torch.from_numpy(codes).to(torch.uint8)[:, None, None, None] + torch.arange(9).to(torch.uint8).view(
        1, 1, 3, 3
    )

    for inputs in (table, texts, images):
        assert told(inputs, targets, 10) == (f"{COPIES}10 of 10 validation rows",)


def test_missing_values_in_the_same_places_are_the_same() -> None:
    once = [(None if i % 3 else i * 1.5, None if i % 4 == 0 else f"word{i}") for i in range(15)]
    table = pd.DataFrame(once * 2, columns=["a", "b"])

    notes = told(table, torch.arange(30) % 15 % 2, 6)

    assert f"{COPIES}6 of 6 validation rows" in notes


def test_equal_rows_of_different_classes_are_counted() -> None:
    inputs, targets = noisy(), torch.arange(100) % 2
    inputs[10:13] = inputs[0]

    assert told(inputs, targets, 20) == (
        "data: 4 of 100 rows have the inputs of a row of another class: no model is right in both",
    )
    assert told(inputs, targets.float()[:, None], 20) == ()


def column(part: Rows) -> list[float]:
    assert isinstance(part.inputs, pd.DataFrame)
    values: list[float] = part.inputs["a"].tolist()
    return values


def test_the_test_rows_are_compared_too(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    rows = [f"{value:.6f},{'xy'[i % 2]}" for i, value in enumerate(chance.normal(size=60))]
    write(tmp_path / "t.csv", "a,y", *rows, *rows)
    chosen = section("csv", path="t.csv", target="y", valid=0.25, test=0.2)

    search = data.for_search(chosen, str(tmp_path), 0)
    final = data.for_final(chosen, str(tmp_path), 0, On.TRAIN)

    assert search.valid is not None
    assert final.test is not None
    known, valid, test = (column(part) for part in (search.train, search.valid, final.test))
    shared = [sum(value in known for value in part) for part in (valid, test)]
    note = f"{COPIES}{shared[0]} of 24 validation rows and {shared[1]} of 24 test rows"
    assert min(shared) > 0
    assert note in search.source.notes
    assert note in final.source.notes


def test_a_test_file_is_compared_in_final_training_only(tmp_path: Path) -> None:
    rows = [f"{value:.6f},{'xy'[i % 2]}" for i, value in enumerate(np.random.default_rng(0).normal(size=60))]
    write(tmp_path / "t.csv", "a,y", *rows)
    write(tmp_path / "later.csv", "a,y", *rows[:5], "0,x")
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    assert f"{COPIES}5 of 6 test rows" in data.for_final(chosen, str(tmp_path), 0, On.ALL).source.notes
    assert not [note for note in data.for_search(chosen, str(tmp_path), 0).source.notes if "copies" in note]


def test_whole_numbers_in_one_file_equal_those_in_another(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).permutation(60)
    rows = [f"{number},{number * 7 % 60},{'xy'[number % 2]}" for number in numbers]
    write(tmp_path / "t.csv", "a,b,y", *rows, "0.5,,x")
    write(tmp_path / "later.csv", "a,b,y", *rows[:5])
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    assert f"{COPIES}5 of 5 test rows" in data.for_final(chosen, str(tmp_path), 0, On.ALL).source.notes


def test_rows_of_a_few_words_repeat_by_nature() -> None:
    chance = np.random.default_rng(0)
    table = pd.DataFrame({"a": chance.choice(list("abc"), 300), "b": chance.choice(list("de"), 300), "c": 1})
    numbers = torch.randint(0, 2, (300, 5), generator=CHANCE)
    targets = torch.arange(300) % 2

    for inputs in (table, table[["a"]], numbers):
        assert told(inputs, targets, 60) == ()
    assert told(pd.concat([table] * 2).assign(d=[*range(300)] * 2), torch.cat([targets] * 2), 300) == (
        f"{COPIES}300 of 300 validation rows",
    )


CHANGES = {
    "float32": lambda numbers: numbers.astype(np.float32).astype(float),
    "noise": lambda numbers: numbers + 1e-12,
    "text": lambda numbers: numbers.round(7),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_that_lost_their_last_digits_are_copies(change: str) -> None:
    numbers = np.random.default_rng(0).normal(size=(200, 3))
    copied = np.concatenate([numbers, CHANGES[change](numbers[:50])])

    notes = told(pd.DataFrame(copied, columns=list("abc")), torch.arange(250) % 2, 50)

    counts = [int(note.removeprefix(COPIES).split()[0]) for note in notes if note.startswith(COPIES)]
    assert len(counts) == 1
    assert 40 <= counts[0] <= 50


def test_minus_zero_is_zero() -> None:
    inputs = noisy()
    inputs[:, 0] = 0.0
    inputs[80:87] = inputs[:7]
    inputs[80:87, 0] = -0.0

    assert told(inputs, torch.arange(100) % 7 % 2, 20)[0] == f"{COPIES}7 of 20 validation rows"


def natural(kind: str, chance: np.random.Generator, rows: int) -> tuple[pd.DataFrame, torch.Tensor]:
    """Rows that repeat, and of which none is a copy."""
    targets = chance.integers(0, 2, rows)
    if kind == "one-hot":
        words = pd.DataFrame({name: chance.integers(0, 4, rows) for name in "abc"}).astype(str)
        return pd.get_dummies(words).astype(int), torch.from_numpy(targets)
    if kind == "counts":
        return pd.DataFrame(chance.poisson(1, (rows, 5))), torch.from_numpy(targets)
    if kind == "persons":
        ages = np.where(chance.random(rows) < 0.2, np.nan, chance.integers(1, 80, rows))
        facts = {"class": chance.integers(1, 4, rows), "age": ages, "sex": chance.choice(["m", "f"], rows)}
        return pd.DataFrame(facts).assign(others=chance.poisson(0.5, rows)), torch.from_numpy(targets)
    grades = chance.poisson(0.3 + 3 * targets[:, None], (rows, 6)).clip(0, 9)  # of a tissue: mostly none, or several
    return pd.DataFrame(grades), torch.from_numpy(targets)


@pytest.mark.parametrize("kind", ["one-hot", "counts", "persons", "grades"])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_few_values_repeat_by_nature(kind: str, seed: int) -> None:
    table, targets = natural(kind, np.random.default_rng(seed), 400)

    assert told(table, targets, 80) == ()


@pytest.mark.parametrize("kind", ["persons", "grades"])
def test_copies_are_found_among_rows_of_few_values_that_a_column_tells_apart(kind: str) -> None:
    chance = np.random.default_rng(0)
    table, targets = natural(kind, chance, 320)
    table = table.assign(weight=chance.normal(60, 9, 320).round(3))
    copied = pd.concat([table, table[:80]], ignore_index=True)

    assert f"{COPIES}80 of 80 validation rows" in told(copied, torch.cat([targets, targets[:80]]), 80)


def test_a_few_of_many_numbers_are_equal_by_chance() -> None:
    inputs = torch.rand(50_000, 1, generator=CHANCE)
    assert len(np.unique(inputs.numpy())) < len(inputs)

    assert told(inputs, torch.rand(50_000, 1, generator=CHANCE), 10_000) == ()


def test_streamed_images_are_compared(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    for label in "ab":
        one = chance.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        for i in range(6):
            picture(tmp_path / label / f"{i}.png", one)

    notes = data.for_search(section("ImageFolder", root=str(tmp_path), loader="stream", test=2), ".", 0).source.notes

    assert f"{COPIES}3 of 3 validation rows and 2 of 2 test rows" in notes


def test_classes_without_rows_are_named() -> None:
    targets = torch.tensor([0, 2, 4, 5] * 20 + [0, 2] * 10)

    assert told(noisy(), targets, 20, list("abcdefg")) == (
        "data: 3 of 7 classes have no training row: b, d, g",
        "data: 2 of 7 classes have no validation row: e, f",
    )


def test_classes_that_differ_in_capitals_or_blanks_are_named_with_their_rows() -> None:
    assert told(noisy(), torch.arange(100) % 4, 20, ["Yes", "no", "yes", "no way"]) == (
        "data: classes that differ only in capitals or blanks, are they one? 'Yes' (20 rows) and 'yes' (20 rows)",
    )


def test_images_of_one_shade_are_counted() -> None:
    images = torch.randint(0, 256, (50, 3, 6, 6), generator=CHANCE, dtype=torch.uint8)
    images[3] = torch.tensor([1, 2, 3], dtype=torch.uint8)[:, None, None]
    images[30] = 0

    assert told(images, torch.arange(50) % 2, 10) == ("data: 2 of 50 images are of one shade throughout",)


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
    other, targets = noisy(100, 1).numpy().ravel(), (torch.rand(100, generator=CHANCE) > 0.5).long()
    table = pd.DataFrame({name: values, "b": other})
    said = said and not (as_tensor and name.endswith(("id", "Id")))  # columns of a tensor have no names

    notes = told(torch.from_numpy(table.to_numpy(float)) if as_tensor else table, targets, 20)

    assert notes == ((f"data: {'inputs[:, 0]' if as_tensor else f'column {name}'}{NUMBERS}",) if said else ())


def test_numbers_of_the_rows_are_seen_in_some_of_them() -> None:
    numbers = np.random.default_rng(0).permutation(200) + 5000
    table = pd.DataFrame({"a": numbers, "b": noisy(200, 1).numpy().ravel()})
    targets = torch.randint(0, 2, (200,), generator=CHANCE)
    source = Source(Task.CLASSIFICATION, ("0", "1"), Rows(table, targets))

    notes = audit.notes(source, torch.arange(0, 100), torch.arange(100, 130), torch.arange(130, 200))

    assert notes == (f"data: column a{NUMBERS}",)


@pytest.mark.parametrize("name", ["year", "orbit_time", "Age"])
def test_times_go_up_by_one_and_number_nothing(name: str) -> None:
    table = pd.DataFrame({name: np.arange(1900, 2000), "b": noisy(100, 1).numpy().ravel()})

    assert told(table, torch.randint(0, 2, (100,), generator=CHANCE), 20) == ()


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

    notes = told(table, torch.randint(0, 2, (1300,), generator=CHANCE), 300)

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
    notes = told(spelt_as_numbers()[[column, "size"]], torch.randint(0, 2, (300,), generator=CHANCE), 100)

    way_on = "make columns of years, months, weekdays, hours or ages, or leave it out of data.features"
    said = f"data: column {column} ({kind}): dates and times are read as plain numbers; {way_on}"
    assert notes == (() if kind is None else (said,))


def test_whole_numbers_that_differ_in_their_last_digits_are_no_copies() -> None:
    numbers = 3 * 10**18 + np.random.default_rng(0).permutation(100)
    assert len(set(numbers.astype(np.float64))) == 1
    numbers[95:] = numbers[:5]
    targets = torch.from_numpy(numbers % 2)

    notes = told(pd.DataFrame({"a": numbers, "b": 1.5}), targets, 20)

    assert notes == (f"{COPIES}5 of 20 validation rows",)


def test_whole_numbers_that_gaps_made_float64_are_named() -> None:
    numbers = np.random.default_rng(0).integers(-(2**62), 2**62, 300).astype(np.float64)
    numbers[7] = np.nan

    notes = told(pd.DataFrame({"a": numbers, "b": noisy(300, 1).numpy().ravel()}), torch.arange(300) % 2, 100)

    told_of = "whole numbers beyond 2**53 in a column with gaps keep 15 digits"
    assert notes == (f"data: column a: {told_of}; subtract a constant in the file, or fill the gaps",)


def test_categories_that_differ_in_capitals_are_named() -> None:
    table = kinds()[["colour", "version", "size"]]
    counts = table["colour"].value_counts()

    (note,) = told(table, torch.randint(0, 2, (1300,), generator=CHANCE), 300)

    assert note.startswith("data: words of column colour that differ only in capitals or blanks, are they one? ")
    assert f"'red' ({counts['red']} rows)" in note
    assert f"'Red' ({counts['Red']} rows)" in note


def test_many_such_columns_are_one_sentence() -> None:
    table = pd.DataFrame({f"id{i}": [f"{i}x{j}" for j in range(100)] for i in range(9)})

    (note,) = told(table, torch.randint(0, 2, (100,), generator=CHANCE), 20)

    assert "column id0 (100 different), column id1 (100 different), column id2 (100 different) and 6 more: " in note


@pytest.mark.parametrize("kind", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_nothing_is_said_of_clean_data(kind: str) -> None:
    search = data.for_search(section(kind), ".", 0)
    assert search.valid is not None

    values = [np.asarray(part.inputs).reshape(len(part), -1) for part in (search.train, search.valid)]
    if not any((values[0] == row).all(1).any() for row in values[1]):
        assert search.source.notes == ()


def test_a_draw_is_not_audited_again() -> None:
    assert data.for_search(section("iris"), ".", 0, draw=1).source.notes == ()


@pytest.mark.parametrize("rows", [torch.arange(60).reshape(1, 60).T, torch.arange(6.0)[::6].reshape(1, 1)])
def test_the_bytes_of_rows_are_read_whatever_their_strides_are(rows: torch.Tensor) -> None:
    assert as_bytes(rows).tobytes() == rows.numpy().tobytes()
    assert as_bytes(rows[:1].T[0]).tobytes() == rows[:1].T[0].numpy().tobytes()


def test_a_frame_of_one_column_is_compared_row_by_row(tmp_path: Path) -> None:
    body = "    frame = pd.DataFrame({'a': [*range(30)] * 2, 'y': [0, 1] * 30})\n    return frame[['a']], frame.y\n"
    (tmp_path / "own.py").write_text(f"import pandas as pd\n\n\ndef load():\n{body}")

    splits = data.for_search(section("own.py:load", test=0.2), str(tmp_path), 0)

    assert any("copies of training rows" in note for note in splits.source.notes)
