from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tuner.data.preprocessing.columns import FILE, MOST_CATEGORIES, Columns
from tuner.errors import DataError

TRAIN = pd.DataFrame(
    {
        "age": [20.0, np.nan, 40.0, 60.0],
        "city": ["Rome", "Oslo", None, "Rome"],
        "member": [True, False, True, True],
        "kids": [0, 2, 1, 1],
    }
)


def test_numbers_are_standardised_and_gaps_become_the_median_with_a_mark() -> None:
    made = Columns.fit(TRAIN)(TRAIN).numpy()

    filled = np.array([20, 40, 40, 60])  # the median of 20, 40 and 60
    mark = np.array([0, 1, 0, 0])
    kids = TRAIN["kids"].to_numpy()
    expected = [(column - column.mean()) / column.std() for column in (filled, kids, mark)]
    assert made.dtype == np.float32
    assert np.allclose(made[:, :3], np.stack(expected, 1), atol=1e-6)


def test_categories_are_one_hot_and_a_missing_one_is_a_category() -> None:
    made = Columns.fit(TRAIN)(TRAIN)[:, 3:]

    assert made.tolist() == [
        # Oslo, Rome, missing; False, True
        [0, 1, 0, 0, 1],
        [1, 0, 0, 1, 0],
        [0, 0, 1, 0, 1],
        [0, 1, 0, 0, 1],
    ]


def test_an_unseen_category_is_none_of_the_known() -> None:
    made = Columns.fit(TRAIN)(TRAIN.assign(city="Lima"))

    assert made[:, 3:6].tolist() == [[0, 0, 0]] * 4


def test_other_rows_are_put_through_what_the_training_rows_told() -> None:
    columns = Columns.fit(TRAIN)
    other = pd.DataFrame({"kids": [3], "member": [False], "city": ["Rome"], "age": [np.nan], "more": ["x"]})

    made = columns(other)[0].numpy()

    spread = np.std([20, 40, 40, 60])
    assert made[0] == pytest.approx((40 - 40) / spread)  # the median and the mean of the training rows
    assert made[1] == pytest.approx((3 - 1) / np.std([0, 2, 1, 1]), abs=1e-6)
    assert made[3:].tolist() == [0, 1, 0, 1, 0]


def test_a_gap_where_training_had_none_becomes_the_median() -> None:
    columns = Columns.fit(TRAIN)

    assert torch.equal(columns(TRAIN.assign(kids=np.nan))[:, 1], columns(TRAIN.assign(kids=1))[:, 1])
    assert torch.isfinite(columns(TRAIN.assign(member=None, city=None))).all()


def test_a_column_without_a_value_and_a_constant_one_say_nothing() -> None:
    table = pd.DataFrame({"none": [np.nan, np.nan], "same": [3.0, 3.0], "word": ["a", "a"], "void": [None, None]})

    made = Columns.fit(table)(table)

    assert torch.isfinite(made).all()
    assert torch.equal(made[0], made[1])


def test_one_category_has_one_spelling_however_its_column_was_read() -> None:
    columns = Columns.fit(pd.DataFrame({"code": ["1", "2", "x"]}))

    as_numbers = columns(pd.DataFrame({"code": [1, 2, 1]}))
    as_floats = columns(pd.DataFrame({"code": [1.0, 2.0, 1.0]}))
    as_words = columns(pd.DataFrame({"code": ["1", "2", "1"]}))

    assert torch.equal(as_numbers, as_words)
    assert torch.equal(as_floats, as_words)
    assert as_words.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_rare_categories_of_a_column_of_many_share_one_place() -> None:
    common = [f"common{i}" for i in range(MOST_CATEGORIES - 1)] * 2
    table = pd.DataFrame({"code": [*common, *(f"rare{i}" for i in range(30))]})

    columns = Columns.fit(table)

    assert columns(table).shape == (len(table), MOST_CATEGORIES)
    assert columns(table).sum(1).eq(1).all()
    rest = columns(pd.DataFrame({"code": ["rare0", "rare9", "never seen"]}))
    assert torch.equal(rest[0], rest[1])
    assert torch.equal(rest[0], rest[2])


def test_a_column_that_is_not_there_is_said() -> None:
    columns = Columns.fit(TRAIN)

    with pytest.raises(DataError, match=r"^there is no column city, which the model was trained on$"):
        columns(TRAIN.drop(columns="city"))
    with pytest.raises(DataError, match=r"no column age, city and member and 1 other,"):
        columns(pd.DataFrame({"x": [1]}))


def test_text_and_infinity_where_numbers_were_are_refused() -> None:
    columns = Columns.fit(TRAIN)

    with pytest.raises(DataError, match=r"column age is numeric in training, and here it is not: .*'old'"):
        columns(TRAIN.assign(age="old"))
    with pytest.raises(DataError, match="column kids has infinite values"):
        columns(TRAIN.assign(kids=np.inf))


def test_saved_columns_give_the_same_bits(tmp_path: Path) -> None:
    columns = Columns.fit(TRAIN)
    other = TRAIN.assign(age=[1.5, np.nan, 2.5, 1e5], city=["Lima", "Rome", None, "Oslo"])

    again = Columns.load(tmp_path, columns.save(tmp_path))

    assert torch.equal(again(other), columns(other))
    assert (again.names, again.numeric, again.words) == (["age", "city", "member", "kids"], ["age", "kids"], ["city"])


def test_nothing_of_them_is_pickled(tmp_path: Path) -> None:
    Columns.fit(TRAIN).save(tmp_path)

    with zipfile.ZipFile(tmp_path / FILE) as archive:
        for name in archive.namelist():
            assert name == "schema.json" or archive.read(name).startswith(b"\x93NUMPY")
            assert b"|O" not in archive.read(name)[:128]  # an array of objects would be pickled in its file


@pytest.mark.parametrize("power", [-1060, -1000, -600, 0, 600, 1000])
def test_tiny_and_huge_numbers_are_standardised_as_others_are(power: int, tmp_path: Path) -> None:
    plain = np.random.default_rng(0).integers(-1000, 1000, 50) / 4
    table = pd.DataFrame({"a": np.ldexp(plain, power)})
    table.iloc[3] = np.nan

    columns = Columns.fit(table)
    made = columns(table)

    filled = np.where(np.arange(50) == 3, np.median(np.delete(plain, 3)), plain)
    assert np.allclose(made[:, 0].numpy(), (filled - filled.mean()) / filled.std(), rtol=1e-5)
    assert torch.equal(Columns.load(tmp_path, columns.save(tmp_path))(table), made)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_beyond_float64_keep_their_last_digits(dtype: type, tmp_path: Path) -> None:
    steps = np.random.default_rng(0).integers(0, 100, 50)
    table = pd.DataFrame({"t": (np.full(50, 2**62 + 1, dtype) + steps.astype(dtype)), "n": steps})

    columns = Columns.fit(table)
    made = columns(table).numpy()

    assert np.allclose(made[:, 0], (steps - steps.mean()) / steps.std(), rtol=1e-5)
    saved = json.loads(json.dumps(columns.save(tmp_path)))
    assert np.array_equal(Columns.load(tmp_path, saved)(table).numpy(), made)
    assert columns(table.assign(t=np.nan))[:, 0].tolist() == pytest.approx(
        [(np.median(steps) - steps.mean()) / steps.std()] * 50, abs=0.1
    )
