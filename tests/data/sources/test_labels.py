from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tuner.data.sources import labels
from tuner.errors import DataError
from tuner.goal import Task


def encoded(values: list[Any], task: str | None = None) -> tuple[labels.Encoder, torch.Tensor]:
    column = pd.Series(values)
    encoder, _ = labels.encoder(column, task, "t.csv: column y")
    return encoder, encoder.encode(column, "t.csv: column y")


@pytest.mark.parametrize(
    ("values", "classes", "indices"),
    [
        (["b", "a", "b"], ("a", "b"), [1, 0, 1]),
        ([10, 9, 2], ("2", "9", "10"), [2, 1, 0]),
        ([1.0, 0.0, 1.0], ("0", "1"), [1, 0, 1]),
        ([True, False, True], ("False", "True"), [1, 0, 1]),
        (["10", "b", "9"], ("9", "10", "b"), [1, 2, 0]),
        (["inf", "nan", "2"], ("2", "inf", "nan"), [1, 2, 0]),
    ],
)
def test_classes_are_sorted_numbers_by_size(values: list[Any], classes: tuple[str, ...], indices: list[int]) -> None:
    encoder, targets = encoded(values)

    assert encoder.task is Task.CLASSIFICATION
    assert encoder.classes == classes
    assert targets.dtype is torch.int64
    assert targets.tolist() == indices


@pytest.mark.parametrize("values", [[0.5, 1.0, 2.0], list(range(labels.MOST_CLASSES + 1)), [1.0, np.inf, 2.5]])
def test_quantities_are_regressed_on(values: list[float]) -> None:
    assert labels.encoder(pd.Series(values), None, "y")[0] == labels.Encoder(Task.REGRESSION, ())


def test_few_whole_numbers_are_classes_unless_the_config_says_otherwise() -> None:
    assert encoded(list(range(labels.MOST_CLASSES)))[0].task is Task.CLASSIFICATION

    encoder, targets = encoded([3, 1, 2], task="regression")

    assert encoder.task is Task.REGRESSION
    assert targets.dtype is torch.float64
    assert targets.tolist() == [[3.0], [1.0], [2.0]]


def test_fractions_may_be_classes_if_the_config_says_so() -> None:
    encoder, _ = encoded([0.5, 1.0, 2.0], task="classification")

    assert encoder.classes == ("0.5", "1", "2")
    assert encoder.encode(pd.Series([2, 1]), "elsewhere").tolist() == [2, 1]


def test_an_inferred_task_is_said_and_a_given_one_is_not() -> None:
    column = pd.Series([1, 2, 2])

    _, inferred = labels.encoder(column, None, "t.csv: column y")
    _, given = labels.encoder(column, "classification", "t.csv: column y")

    assert inferred == (
        "t.csv: column y has 2 different values: taken for classification (else say data.task: regression)",
    )
    assert given == ()


def test_words_are_not_said_to_be_regressed_on() -> None:
    assert labels.encoder(pd.Series(["a", "b"]), None, "y")[1] == (
        "y has 2 different values: taken for classification",
    )


def test_whole_numbers_and_floats_are_the_same_class() -> None:
    encoder, _ = encoded([1.0, 2.0])

    assert encoder.encode(pd.Series([2, 1]), "elsewhere").tolist() == [1, 0]
    assert encoder.encode(pd.Series([2.0, 1.0]), "elsewhere").tolist() == [1, 0]


def test_a_task_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"^data\.task: is classification or regression, not ranking$"):
        labels.encoder(pd.Series([1, 2]), "ranking", "y")


@pytest.mark.parametrize("values", [["a", "a"], [2.5, 2.5], [True, True]])
def test_one_value_only_is_refused(values: list[Any]) -> None:
    with pytest.raises(
        DataError, match=rf"^t\.csv: column y has one value only, {values[0]}: there is nothing to learn"
    ):
        labels.encoder(pd.Series(values), None, "t.csv: column y")


def test_a_class_that_the_rows_to_train_on_lack_is_refused_by_name() -> None:
    encoder, _ = encoded(["a", "b"])

    with pytest.raises(DataError, match=r"^test\.csv: column y: class c is not in the training rows"):
        encoder.encode(pd.Series(["a", "c"]), "test.csv: column y")


def test_words_to_regress_on_are_named_with_their_row() -> None:
    with pytest.raises(DataError, match=r"^t\.csv: column y: row 2: 'high' is not a number; data\.task is regression$"):
        encoded([1.5, "high", 2.5], task="regression")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_targets_that_are_not_finite_are_named_with_their_row(value: float) -> None:
    with pytest.raises(DataError, match=r"^t\.csv: column y: row 3: .* is not finite; data"):
        encoded([1.5, 2.5, value])


def test_equal_values_have_equal_codes_and_missing_ones_a_code_of_their_own() -> None:
    codes = labels.codes(pd.Series(["x", None, "y", "x", None]))

    assert codes.dtype is torch.int64
    assert codes[0] == codes[3]
    assert codes[1] == codes[4]
    assert len(set(codes.tolist())) == 3
