"""What a column of targets asks for, classes or numbers, and its values as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tuner.errors import DataError, listing
from tuner.task import Task

MOST_CLASSES = 20
"""Whole numbers of more different values than this are taken for quantities."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The task of a column of targets; `classes` are sorted, none for regression."""

    task: Task
    classes: tuple[str, ...]

    def encode(self, column: pd.Series[Any], where: str) -> Tensor:
        """int64 (N,) class indices, or float32 (N, 1).

        Raises:
            DataError: a class that the encoder does not know, or text where numbers belong.
        """
        if self.task is Task.REGRESSION:
            return _floats(column, where)
        words = _words(column)
        unknown = sorted(set(words) - set(self.classes))
        if unknown:
            raise DataError(
                f"{where}: class {listing(unknown[:3])} is seen only here, not in the rows to train on: "
                f"a model cannot learn it"
            )
        position = {label: i for i, label in enumerate(self.classes)}
        return torch.tensor([position[word] for word in words], dtype=torch.int64)


def encoder(column: pd.Series[Any], task: str | None, where: str) -> tuple[Encoder, tuple[str, ...]]:
    """The encoder of the targets of all rows that tuning may see, and a note where the task was inferred.

    Raises:
        DataError: the task is none, or all rows are of one class.
    """
    if task not in (None, *[known.value for known in Task]):
        raise DataError(f"data.task: is {listing(known.value for known in Task)}, not {task}")
    different = column.nunique()
    chosen = _inferred(column) if task is None else Task(task)
    if different < 2:
        raise DataError(f"{where} has one value only, {column.iloc[0]}: there is nothing to learn")
    classes = tuple(sorted(set(_words(column)), key=_natural)) if chosen is Task.CLASSIFICATION else ()
    if task is not None:
        return Encoder(chosen, classes), ()
    note = f"{where} has {different} different values: task {chosen.value} (data.task says otherwise)"
    return Encoder(chosen, classes), (note,)


def numbers(values: Any) -> Tensor:
    """float32 (N, 1)."""
    return torch.tensor(np.asarray(values, dtype=np.float32)).reshape(-1, 1)


def indices(values: Any) -> Tensor:
    """int64 (N,)."""
    return torch.tensor(np.asarray(values, dtype=np.int64))


def codes(column: pd.Series[Any]) -> Tensor:
    """int64 (N,): equal values have equal numbers; missing ones are a group of their own."""
    return indices(pd.factorize(column, use_na_sentinel=False)[0])


def _inferred(column: pd.Series[Any]) -> Task:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return Task.CLASSIFICATION
    whole = bool((column == column.round()).all())
    return Task.CLASSIFICATION if whole and column.nunique() <= MOST_CLASSES else Task.REGRESSION


def _words(column: pd.Series[Any]) -> list[str]:
    """Class names; a column with a missing value was read as floats, and 1.0 is class 1."""
    if pd.api.types.is_float_dtype(column) and bool((column == column.round()).all()):
        column = column.astype("int64")
    return [str(value) for value in column]


def _natural(word: str) -> tuple[bool, float, str]:
    """Numbers by size, then words."""
    try:
        return False, float(word), word
    except ValueError:
        return True, 0.0, word


def _floats(column: pd.Series[Any], where: str) -> Tensor:
    try:
        values = numbers(column)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} is to be regressed on, but is not numeric: {error}") from None
    if not bool(torch.isfinite(values).all()):
        raise DataError(f"{where} has infinite values")
    return values
