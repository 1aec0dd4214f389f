from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes, load_wine

from tests.support.data_files import prepared, searched, section, write
from tuner import data
from tuner.config import On
from tuner.data.rows import Source
from tuner.data.sources import table
from tuner.errors import DataError
from tuner.goal import Task

HOMES = ("area,city,yard,price", "50,Rome,True,1.5", "80.5,,False,2.25", ",Oslo,True,3.5", "70,Rome,True,2.75")


def loaded(folder: Path, *lines: str, **given: Any) -> Source:
    write(folder / "t.csv", *lines)
    return table.csv(base=str(folder), path="t.csv", **given)


def frame_of(source: Source) -> pd.DataFrame:
    assert isinstance(source.pool.inputs, pd.DataFrame)
    return source.pool.inputs


def test_a_table_is_all_columns_but_the_target(tmp_path: Path) -> None:
    source = loaded(tmp_path, *HOMES, target="price")

    assert source.task is Task.REGRESSION
    assert list(frame_of(source).columns) == ["area", "city", "yard"]
    assert source.pool.targets.tolist() == [[1.5], [2.25], [3.5], [2.75]]
    assert source.notes == (
        "t.csv: column price has 4 different values: taken for regression (else say data.task: classification)",
        "t.csv: features are numbers: area; words: city (2) and yard (2)",
    )


def test_features_may_be_chosen(tmp_path: Path) -> None:
    source = loaded(tmp_path, *HOMES, target="price", features=["yard", "area", "yard"])

    assert list(frame_of(source).columns) == ["yard", "area"]


def test_a_group_is_no_feature(tmp_path: Path) -> None:
    source = loaded(tmp_path, *HOMES, target="price", group="city")

    assert list(frame_of(source).columns) == ["area", "yard"]
    assert source.pool.groups is not None
    assert source.pool.groups[0] == source.pool.groups[3]
    assert len(set(source.pool.groups.tolist())) == 3


def test_a_row_without_a_target_is_left_out_with_its_features(tmp_path: Path) -> None:
    source = loaded(tmp_path, "a,y", "1,no", "2,", "3,yes", target="y")

    assert frame_of(source)["a"].tolist() == [1, 3]
    assert source.classes == ("no", "yes")
    assert source.notes[-1] == "t.csv: 1 row has no y and is left out"


def test_names_that_are_numbers_are_names(tmp_path: Path) -> None:
    source = loaded(tmp_path, "2019,2020,2021", "1,2,3", "4,5,6", target=2020, group=2019, features=[2021])

    assert list(frame_of(source).columns) == ["2021"]
    assert source.pool.targets.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("lines", "given", "message"),
    [
        (HOMES, {"target": "cost"}, "t.csv: there is no column cost: it has area, city, yard and price"),
        (HOMES, {"target": "prize"}, "t.csv: there is no column prize (did you mean price?)"),
        (HOMES, {"target": "price", "group": "town"}, "t.csv: there is no column town"),
        (HOMES, {"target": "price", "features": ["area", "town"]}, "t.csv: there is no column town"),
        (HOMES, {"target": "price", "features": ["price"]}, "data.features: price is the target"),
        (HOMES, {"target": "price", "features": "area"}, "data.features: is a list, such as [area], not area"),
        (HOMES, {"target": "price", "features": []}, "t.csv: there is no column besides price"),
        (HOMES, {"target": "price", "missing": "?!"}, "data.missing: is a list, such as [?!], not ?!"),
        (HOMES, {"target": "price", "group": "price"}, "data.group: price is the target"),
        (HOMES, {"target": "price", "task": "ranking"}, "data.task: is classification or regression"),
        (HOMES, {"target": "city", "task": "regression"}, "t.csv: column city: row 1: 'Rome' is not a number"),
        (("price", "1", "2"), {"target": "price"}, "t.csv: there is no column besides price"),
        (("a,y",), {"target": "y"}, "t.csv: no row has a value in column y"),
        (("a,y", "1,x", "2,x"), {"target": "y"}, "t.csv: column y has one value only, x"),
        (("a,y", "1,1", "inf,2"), {"target": "y"}, "t.csv: row 2: column a is infinite"),
        (("a,y", "1,1", "2,2", "3,-inf"), {"target": "y"}, "t.csv: row 3: column y is infinite"),
        (("a,y", *["1,2"] * 6, "x,3"), {"target": "y"}, "t.csv: row 7: column a is of numbers, but has 'x' here"),
        (("a,y", *["1,2"] * 6, "1,n/d"), {"target": "y"}, "t.csv: row 7: column y is of numbers, but has 'n/d' here"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(
    tmp_path: Path, lines: tuple[str, ...], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        loaded(tmp_path, *lines, **given)


def test_a_stray_word_is_a_class_or_a_missing_value_if_the_config_says_so(tmp_path: Path) -> None:
    lines = ("a,y", *(f"{i},{i % 2}" for i in range(8)), "n/d,other")

    source = loaded(tmp_path, *lines, target="y", task="classification", missing=["n/d"])

    assert source.classes == ("0", "1", "other")
    assert frame_of(source)["a"].isna().tolist() == [False] * 8 + [True]


def test_a_test_file_is_the_test_split_and_is_not_opened_in_a_search(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,y", *(f"{i},{'ab'[i % 2]}" for i in range(12)))
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv", valid=4)

    (tmp_path / "later.csv").write_bytes(b"\xff not a table")

    search = data.for_search(chosen, str(tmp_path), 0)
    with pytest.raises(DataError, match=r"later\.csv"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)
    write(tmp_path / "later.csv", "y,a,more", "b,-1,0", "a,-2,0", ",-3,0")
    final = data.for_final(chosen, str(tmp_path), 0, On.ALL)

    assert (len(search.train), search.test) == (8, None)
    assert len(final.train) == 12
    assert final.test is not None
    assert isinstance(final.test.inputs, pd.DataFrame)
    assert final.test.inputs.to_dict("list") == {"a": [-1, -2]}
    assert final.test.targets.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("a,c,y", "1,x,q"), "later.csv: column y: class q is not in the training rows"),
        (("a,y", "1,n"), "later.csv: there is no column c"),
        (("a,c", "1,x"), "later.csv: there is no column y"),
        (("a,c,y",), "later.csv: no row has a value in column y"),
        (("a,c,y", "1,x,n", "one,x,n"), "later.csv: row 2: column a is of numbers, but has 'one' here"),
        (("a,c,y", "inf,x,n"), "later.csv: row 1: column a is infinite here"),
    ],
)
def test_what_is_wrong_with_a_test_file_is_said(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    write(tmp_path / "t.csv", "a,c,y", *(f"{i},{'xz'[i % 2]},{'ny'[i % 2]}" for i in range(12)))
    write(tmp_path / "later.csv", *lines)
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    with pytest.raises(DataError, match=f"^{re.escape(message)}"):
        data.for_final(chosen, str(tmp_path), 0, On.ALL)


def test_words_and_classes_that_look_like_numbers_are_the_same_in_the_test_file(tmp_path: Path) -> None:
    rows = [f"{code},{'01' if i % 2 else 'x'}" for i, code in enumerate(["007", "A1", "B2", "C3"] * 4)]
    write(tmp_path / "t.csv", "code,y", *rows)
    write(tmp_path / "later.csv", "code,y", "007,01", "007,01")
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv", valid=4)

    dataset = prepared(data.for_final(chosen, str(tmp_path), 0, On.ALL), chosen)

    assert dataset.classes == ("01", "x")
    assert dataset.test is not None
    assert dataset.test.targets.tolist() == [0, 0]
    (inputs,) = dataset.test.in_order(8)
    assert inputs.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0]]


def test_whole_numbers_written_as_floats_are_the_same_classes(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,y", *(f"{i},{i % 2}" for i in range(12)), "5,")
    write(tmp_path / "later.csv", "a,y", "1,1", "2,0")
    chosen = section("csv", path="t.csv", target="y", test_path="later.csv")

    final = data.for_final(chosen, str(tmp_path), 0, On.ALL)

    assert final.source.classes == ("0", "1")
    assert final.test is not None
    assert final.test.targets.tolist() == [1, 0]


def test_a_test_share_beside_a_test_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "a,y", *(f"{i},{i % 2}" for i in range(12)))

    with pytest.raises(DataError, match=r"^data\.test: data\.test_path is the test split already"):
        data.for_search(section("csv", path="t.csv", target="y", test_path="x.csv", test=0.2), str(tmp_path), 0)


def test_no_group_is_in_two_splits(tmp_path: Path) -> None:
    owners = [f"owner{i * 7 % 12}" for i in range(60)]
    write(tmp_path / "t.csv", "row,owner,y", *(f"{i},{owner},{'ab'[i % 2]}" for i, owner in enumerate(owners)))
    chosen = section("csv", path="t.csv", target="y", group="owner", valid=0.25, test=0.25)

    for seed in range(5):
        search = data.for_search(chosen, str(tmp_path), seed)
        final = data.for_final(chosen, str(tmp_path), seed, On.TRAIN)
        assert search.valid is not None
        assert final.test is not None
        seen = [{owners[row] for row in rows_of(part)} for part in (search.train, search.valid, final.test)]

        assert len(set.union(*seen)) == sum(map(len, seen)) == 12


def rows_of(part: Any) -> list[int]:
    numbers: list[int] = part.inputs["row"].tolist()
    return numbers


def test_what_the_validation_rows_hold_changes_nothing_that_was_fitted(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", "row,a,city,y", *(f"{i},{i % 7},{'xyz'[i % 3]},{i * 1.5}" for i in range(40)))
    chosen = section("csv", path="t.csv", target="y", features=["a", "city"], valid=0.25, test=0.25)
    before = searched(chosen, tmp_path)
    held = sorted(set(range(40)) - train_rows(chosen, tmp_path))
    frame = pd.read_csv(tmp_path / "t.csv")
    frame["a"] = frame["a"].astype(float)
    frame.loc[held, "a"] = 1e6
    frame.loc[held[0], "a"] = np.nan
    frame.loc[held, "city"] = "elsewhere"
    frame.loc[held, "y"] = -1e6
    frame.to_csv(tmp_path / "t.csv", index=False)

    after = searched(chosen, tmp_path)

    assert len(held) == 18
    rows = [torch.arange(len(before.train))]
    assert torch.equal(*(next(dataset.train.batches(rows, 0))[0] for dataset in (before, after)))
    assert before.target_scale is not None
    assert after.target_scale is not None
    assert before.target_scale.facts() == after.target_scale.facts()
    assert before.input_shape == after.input_shape == (4,)


def train_rows(chosen: Any, folder: Path) -> set[int]:
    train = data.for_search(chosen, str(folder), 0).train.inputs
    assert isinstance(train, pd.DataFrame)
    return set(train.index.tolist())


@pytest.mark.parametrize("name", list(table.BUNDLED))
def test_the_bundled_tables_are_as_scikit_learn_has_them(name: str) -> None:
    bundle: Any = table.BUNDLED[name]()

    source = table.bundled(name)(base=".")

    assert np.array_equal(frame_of(source).to_numpy(), bundle.data)
    assert np.allclose(source.pool.targets.numpy().ravel(), bundle.target)


def test_the_bundled_tables_know_their_task_and_classes() -> None:
    wine, diabetes = (table.bundled(name)(base=".") for name in ("wine", "diabetes"))

    assert wine.task is Task.CLASSIFICATION
    assert wine.classes == tuple(load_wine().target_names)
    assert diabetes.task is Task.REGRESSION
    assert diabetes.pool.targets.shape == (len(load_diabetes().target), 1)


@pytest.mark.parametrize(
    ("test_path", "message"),
    [
        ("nix.csv", r"data\.test_path: there is no file .*nix\.csv"),
        ("t.csv", "is the file of the training rows itself"),
    ],
)
def test_a_test_file_that_is_none_is_refused_before_the_search(tmp_path: Path, test_path: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        loaded(tmp_path, *HOMES, target="price", test_path=test_path)


def test_a_group_of_the_training_rows_is_not_tested_on(tmp_path: Path) -> None:
    lines = ("x,y,house", "1.5,0,a", "2.5,1,b", "3.5,0,b")
    (tmp_path / "test.csv").write_text("x,y,house\n4.5,1,b\n")

    source = loaded(tmp_path, *lines, target="y", group="house", test_path="test.csv")

    assert source.test is not None
    with pytest.raises(DataError, match=r"test\.csv: house b is among the rows to train on too"):
        source.test()
