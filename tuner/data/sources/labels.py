"""The task of a column of targets, classes or numbers, and its values as tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tuner.data.sources import dataframe
from tuner.errors import DataError, counted, listing
from tuner.goal import Task, label_of

MOST_CLASSES = 20
"""Whole numbers with more different values than this count as quantities."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """The task of a column of targets; `classes` are sorted, none for regression."""

    task: Task
    classes: tuple[str, ...]

    def encode(self, column: pd.Series[Any], where: str) -> Tensor:
        """Return int64 (N,) class indices, or float64 (N, 1).

        Raises:
            DataError: a class that the encoder does not know, or text where numbers belong.
        """
        if self.task is Task.REGRESSION:
            return _floats(column, where)
        words = _words(column)
        unknown = sorted(set(words) - set(self.classes))
        if unknown:
            raise DataError(
                f"{where}: class {listing(unknown[:3])} is not in the training rows: a model cannot learn it"
            )
        position = {label: i for i, label in enumerate(self.classes)}
        return torch.tensor([position[word] for word in words], dtype=torch.int64)


def encoder(column: pd.Series[Any], task: str | None, where: str) -> tuple[Encoder, tuple[str, ...]]:
    """Return the encoder for all targets that tuning may see, and a note if the task was inferred.

    Raises:
        DataError: the task is none, or all rows are of one class.
    """
    tasks = [known.value for known in Task]
    if task is not None and task not in tasks:
        raise DataError(f"data.task: is {' or '.join(tasks)}, not {task}")
    different = column.nunique()
    chosen = _inferred(column) if task is None else Task(task)
    if different < 2:
        raise DataError(f"{where} has one value only, {column.iloc[0]}: there is nothing to learn")
    classes = tuple(sorted(set(_words(column)), key=_natural)) if chosen is Task.CLASSIFICATION else ()
    if task is not None:
        return Encoder(chosen, classes), ()
    other = next(known for known in Task if known is not chosen)
    way_on = f" (else say data.task: {other.value})" if dataframe.is_numbers(column) else ""
    note = f"{where} has {different} different values: taken for {chosen.value}{way_on}"
    return Encoder(chosen, classes), (note,)


def numbers(values: Any) -> Tensor:
    """Return float64 (N, 1)."""
    return torch.tensor(np.asarray(values, dtype=np.float64)).reshape(-1, 1)


def indices(values: Any) -> Tensor:
    """Return int64 (N,)."""
    return torch.tensor(np.asarray(values, dtype=np.int64))


def codes(column: pd.Series[Any]) -> Tensor:
    """Return int64 (N,): equal values have equal numbers; missing values form a group."""
    return indices(pd.factorize(column, use_na_sentinel=False)[0])


def groups_note(column: pd.Series[Any], path: str, group: str) -> tuple[str, ...]:
    """Return a note on rows without a group, which count as one group."""
    missing = int(column.isna().sum())
    if not missing:
        return ()
    return (f"{path}: {counted(missing, 'row', 'have')} no {group}; such rows are one group and stay together",)


def refuse_shared(held: pd.DataFrame, frame: pd.DataFrame, group: str, where: str) -> None:
    """Raise if a group of the held-out rows is also among the tuned rows.

    Raises:
        DataError: it is.
    """
    shared = sorted(set(held[group].dropna().astype(str)) & set(frame[group].dropna().astype(str)))
    if shared:
        raise DataError(f"{where}: {group} {listing(shared[:3])} is among the rows to train on too, which leaks it")


def _inferred(column: pd.Series[Any]) -> Task:
    if not dataframe.is_numbers(column):
        return Task.CLASSIFICATION
    whole = bool((column == column.round()).all())
    return Task.CLASSIFICATION if whole and column.nunique() <= MOST_CLASSES else Task.REGRESSION


def _words(column: pd.Series[Any]) -> list[str]:
    return [label_of(value) for value in column]


def _natural(label: str) -> tuple[bool, float, str]:
    """Return a sort key: numbers by size, then words."""
    try:
        size = float(label)
    except ValueError:
        size = math.nan
    return (False, size, label) if math.isfinite(size) else (True, 0.0, label)


def _floats(column: pd.Series[Any], where: str) -> Tensor:
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values)
    if wrong.any():
        first = int(wrong.argmax())
        what = "is not a number" if np.isnan(values[first]) else "is not finite"
        raise DataError(
            f"{where}: row {column.index[first] + 1}: {str(column.iloc[first])!r} {what}; data.task is regression"
        )
    return numbers(values)
