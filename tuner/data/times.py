"""Dates and times spelled as numbers: 20240131, 202401, or the time since 1970."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

TIMES = {"seconds": 1.0, "milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9}
"""In what computers count the time since 1970."""

SINCE, UNTIL = 946_684_800, 2_145_916_800
"""The years 2000 to 2037 in seconds since 1970: numbers of which all lie between are times."""

FEWEST, FEW_DATES = 20, 5
"""Fewer numbers, and fewer different ones, look like dates by chance."""


def time_of(values: Values) -> str | None:
    """Return how numbers without gaps spell dates or times; None if they do not."""
    if len(values) < FEWEST or values.dtype.kind not in "iuf" or len(np.unique(values)) < FEW_DATES:
        return None
    numbers = values.astype(np.float64)
    for unit, each in TIMES.items():
        if bool(((numbers >= SINCE * each) & (numbers < UNTIL * each)).all()):
            return f"{unit} since 1970"
    if not bool(((numbers >= 190_001) & (numbers <= 21_001_231)).all()) or (numbers % 1).any():
        return None
    days = numbers.astype(np.int64)
    if _are_months(days):
        return "YYYYMM"
    in_month = (days % 100 >= 1) & (days % 100 <= 31)
    return "YYYYMMDD" if bool(in_month.all()) and _are_months(days // 100) else None


def _are_months(numbers: npt.NDArray[np.int64]) -> bool:
    years, months = numbers // 100, numbers % 100
    return bool(((years >= 1900) & (years <= 2100) & (months >= 1) & (months <= 12)).all())
