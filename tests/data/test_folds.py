from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuner import data
from tuner.config import Config, Folds, On
from tuner.data.folds import folds_of
from tuner.data.rows import Rows
from tuner.errors import DataError
from tuner.goal import Task
from tuner.space import Space
from tuner.space.suggest import Corner

CLASSES = st.lists(st.integers(0, 3), min_size=12, max_size=60)


def rows_of(classes: list[int]) -> Rows:
    return Rows(torch.zeros(len(classes), 1), torch.tensor(classes))


@given(CLASSES, st.integers(2, 6), st.integers(1, 3), st.integers(0, 9))
def test_each_row_validates_at_most_once_in_a_repeat_and_folds_are_of_one_size(
    classes: list[int], n: int, repeats: int, seed: int
) -> None:
    among = torch.arange(len(classes)) + 7
    pool = rows_of([0] * 7 + classes)

    found = folds_of(pool, among, Folds(n, repeats), Task.CLASSIFICATION, seed)

    assert len(found) == n * repeats
    for train, valid in found:
        assert sorted([*train.tolist(), *valid.tolist()]) == among.tolist()
        assert len(valid) == len(classes) // n
        assert train.tolist() == sorted(train.tolist())
    for repeat in range(repeats):
        held = Counter(row for _, valid in found[repeat * n : (repeat + 1) * n] for row in valid.tolist())
        assert set(held.values()) == {1}
        assert len(classes) - len(held) < n


@given(CLASSES, st.integers(2, 6))
def test_a_class_has_its_share_of_each_fold(classes: list[int], n: int) -> None:
    pool = rows_of(classes)

    found = folds_of(pool, torch.arange(len(classes)), Folds(n), Task.CLASSIFICATION, 0)

    for label in set(classes):
        counts = [int((pool.targets[valid] == label).sum()) for _, valid in found]
        assert max(counts) - min(counts) <= 1


def test_a_seed_gives_the_same_folds_and_each_repeat_others() -> None:
    pool, among = rows_of([0, 1] * 20), torch.arange(40)

    first, second = (
        folds_of(pool, among, Folds(4, 2), Task.CLASSIFICATION, 3),
        folds_of(pool, among, Folds(4, 2), Task.CLASSIFICATION, 3),
    )
    held = [valid.tolist() for _, valid in first]

    assert held == [valid.tolist() for _, valid in second]
    assert held[:4] != held[4:]
    assert held != [valid.tolist() for _, valid in folds_of(pool, among, Folds(4, 2), Task.CLASSIFICATION, 4)]


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.REGRESSION])
def test_a_group_is_on_one_side_of_each_fold(task: Task) -> None:
    targets = torch.arange(60) % 2 if task is Task.CLASSIFICATION else torch.randn(60, 1)
    pool = Rows(torch.zeros(60, 1), targets, groups=torch.arange(60) // 4)

    found = folds_of(pool, torch.arange(60), Folds(5), task, 0)

    assert pool.groups is not None
    for train, valid in found:
        assert not set(pool.groups[train].tolist()) & set(pool.groups[valid].tolist())
    assert sorted(row for _, valid in found for row in valid.tolist()) == list(range(60))


def test_more_folds_than_rows_or_groups_are_refused() -> None:
    pool = Rows(torch.zeros(9, 1), torch.randn(9, 1), groups=torch.arange(9) // 3)

    with pytest.raises(DataError, match=r"data\.folds: 3 groups cannot be dealt into 4 folds: ask for fewer"):
        folds_of(pool, torch.arange(9), Folds(4), Task.REGRESSION, 0)


def config_of(text: str, base: Path | str = ".") -> Config:
    return Space.parse(text, base=str(base)).resolve(Corner(False, {}))


DIABETES = """\
data: {type: diabetes, folds: 4, test: 42}
model: {type: Linear}
optimizer: {type: SGD, lr: 0.1}
"""


def numbers(rows: Rows) -> npt.NDArray[np.float64]:
    assert isinstance(rows.inputs, pd.DataFrame)
    return np.asarray(rows.inputs, np.float64)


def test_no_test_row_is_in_a_fold_and_each_fold_has_a_scale_of_its_training_rows() -> None:
    config = config_of(DIABETES)
    splits = data.for_search(config.data, ".", 0)
    final = data.for_final(config.data, ".", 0, On.TRAIN)
    assert final.test is not None
    test = {tuple(row) for row in numbers(final.test).tolist()}

    for fold in splits.folds:
        prepared = data.prepare(fold, config.data, torch.device("cpu"))
        raw = numbers(fold.train)
        assert not test & {tuple(row) for row in raw.tolist()}
        expected = (raw - raw.mean(0)) / raw.std(0)
        got = prepared.train.inputs.numpy()  # type: ignore[attr-defined]  # the rows are in memory
        np.testing.assert_allclose(got, expected, atol=1e-4)
        assert fold.valid is not None
        assert len(fold.train) == 300
        assert len(fold.valid) == 100


def test_a_dataset_that_says_what_validates_has_no_folds(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text(
        "import torch\n\n\n"
        "def made():\n"
        "    pool = (torch.randn(20, 3), torch.arange(20) % 2)\n"
        "    return {'train': pool, 'valid': pool, 'test': pool}\n"
    )
    config = config_of(DIABETES.replace("type: diabetes", "type: rows.py:made").replace(", test: 42", ""), tmp_path)

    with pytest.raises(DataError, match=r"data\.folds: the dataset says itself which rows validate: drop folds"):
        data.for_search(config.data, str(tmp_path), 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [[0] * 11 + [1], [0, 1, 2, 3] * 3], ids=["one is rare", "all are rare"])
def test_groups_are_dealt_where_a_class_has_fewer_rows_than_there_are_folds(classes: list[int]) -> None:
    pool = Rows(torch.zeros(12, 1), torch.tensor(classes), groups=torch.arange(12) // 2)

    found = folds_of(pool, torch.arange(12), Folds(5), Task.CLASSIFICATION, 0)

    assert sorted(row for _, valid in found for row in valid.tolist()) == list(range(12))
    assert all(len(valid) for _, valid in found)


def test_each_row_may_be_a_fold_of_its_own(tmp_path: Path) -> None:
    rows = "".join(f"{row},{'ab'[row % 2]}\n" for row in range(20))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}")
    text = DIABETES.replace(
        "type: diabetes, folds: 4, test: 42", "type: csv, path: t.csv, target: y, folds: 16, test: 4"
    )
    config = config_of(text, tmp_path)

    splits = data.for_search(config.data, str(tmp_path), 0)

    assert [len(fold.train) for fold in splits.folds] == [15] * 16
