"""Keys: a number for each row, equal for equal rows, or for rows that differ in their last digits only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil
from torch import Tensor

from tuner.data import in_memory
from tuner.data.rows import Inputs, as_bytes
from tuner.data.streaming import read_in_order

Keys = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.float64]

WIDE = 256
"""Rows of more bytes than this are hashed one by one, of fewer column by column."""

MASK = 0xFFFFFFFFFFFFFFFF

LAZY = 20_000
"""More rows than this that are not in memory are not read only to be compared."""

DIGITS = 2.0**18
"""How finely a fraction is divided to be nearly equal: copies in float32 are, but for 1 cell in 60."""


def keys_of(inputs: Inputs) -> Keys | None:
    """Return a number for each row, equal for equal rows; None if rows would have to be read."""
    if isinstance(inputs, pd.DataFrame):
        return _of_table(inputs, lambda numbers: numbers + 0.0)  # 5 in one file is 5.0 in another, and -0.0 is 0.0
    if isinstance(inputs, np.ndarray):
        return np.asarray(pd.util.hash_array(inputs, categorize=False), dtype=np.uint64)
    if isinstance(inputs, Tensor):
        return _of_bytes(inputs)
    if len(inputs) > LAZY or in_memory.size(inputs) > in_memory.SHARE * psutil.virtual_memory().available:
        return None
    return np.concatenate([_of_bytes(chunk) for chunk in read_in_order(inputs)])


def near_keys(table: pd.DataFrame) -> Keys:
    """Return a number for each row, equal for rows whose fractions agree in about six digits."""
    return _of_table(table, _rounded)


def _rounded(numbers: Numbers) -> Numbers:
    """Return whole numbers unchanged, others rounded to `DIGITS`."""
    fraction, power = np.frexp(numbers)
    near = np.ldexp(np.rint(fraction * DIGITS) / DIGITS, power)
    return np.where(numbers == np.rint(numbers), numbers, near) + 0.0


def _of_table(table: pd.DataFrame, spelled: Callable[[Numbers], Numbers]) -> Keys:
    number = set(table.select_dtypes("number").columns)
    columns = (table.iloc[:, i].reset_index(drop=True) for i in range(table.shape[1]))
    made = [_bits(each, spelled) if each.name in number else each for each in columns]
    return _hashed(pd.DataFrame(dict(enumerate(made))))


def _bits(column: pd.Series[Any], spelled: Callable[[Numbers], Numbers]) -> npt.NDArray[np.uint64]:
    """Return the bits of float64 numbers; whole numbers beyond float64 keep their own bits."""
    bits = spelled(column.to_numpy(np.float64, na_value=np.nan)).view(np.uint64)
    whole = column.to_numpy()
    if whole.dtype not in (np.int64, np.uint64):
        return bits
    with np.errstate(invalid="ignore"):  # the largest ones leave their type, and then differ
        lost = whole.astype(np.float64).astype(whole.dtype) != whole
    return np.where(lost, whole.view(np.uint64), bits)


def _of_bytes(rows: Tensor) -> Keys:
    """Return keys by the bytes of numbers of any type."""
    flat = as_bytes(rows + 0.0 if rows.is_floating_point() else rows).reshape(len(rows), -1)
    if flat.shape[1] > WIDE:
        return np.fromiter((hash(row.tobytes()) & MASK for row in flat), dtype=np.uint64, count=len(flat))
    padded = np.zeros((len(flat), -(-flat.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : flat.shape[1]] = flat
    return _hashed(pd.DataFrame(padded.view(np.uint64)))


def _hashed(table: pd.DataFrame) -> Keys:
    return np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)
