"""Numbers of a column as float64 in a unit of their own, if float64 or its squares would lose them.

Whole numbers beyond 2**53 are counted from one of them. Tiny and huge numbers are divided by a power of two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tuner.data.preprocessing.standardize import WHOLE

PLAIN = 128
"""Numbers up to two to this power, and down to its inverse, are taken as they are."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The origin of a column of numbers, and the power of two that divides them."""

    origin: int = 0
    power: int = 0

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Unit:
        """Measure the training rows alone, whose numbers may have gaps."""
        values = column.dropna()
        if values.empty:
            return cls()
        if _is_whole(values) and max(abs(int(values.min())), abs(int(values.max()))) > WHOLE:
            return cls(origin=int(values.iloc[int(values.argsort().iloc[len(values) // 2])]))
        largest = float(values.astype("float64").abs().max())
        power = int(np.frexp(largest)[1])
        return cls(power=power) if np.isfinite(largest) and largest and abs(power) > PLAIN else cls()

    def __call__(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """Return float64; NaN for gaps.

        Raises:
            ValueError, TypeError: a value is no number.
        """
        if self.origin and _is_whole(column):
            return (column.astype("object") - self.origin).astype("float64")  # Python's numbers do not overflow
        values = column.astype("float64") - self.origin
        return values if not self.power else _divided(values, self.power)


def _is_whole(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "iu"


def _divided(values: pd.Series[Any], power: int) -> pd.Series[Any]:
    made: npt.NDArray[np.float64] = np.ldexp(values.to_numpy(np.float64), -power)
    return pd.Series(made, index=values.index)
