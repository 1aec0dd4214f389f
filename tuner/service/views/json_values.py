"""Values of studies and tables as JSON has them: UTC times, and null for numbers that are not finite."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any


def moment_of(seconds: float) -> datetime.datetime:
    """Return a time of the service's tables, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def moment(seconds: float | None) -> datetime.datetime | None:
    """Return a time that may be unknown, in UTC."""
    return None if seconds is None else moment_of(seconds)


def local(at: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time of a trial, which is local without its zone, in UTC."""
    return None if at is None else at.astimezone(datetime.UTC)


def finite(values: Iterable[float | None]) -> list[float | None]:
    """Return numbers, with None in place of those that are not finite."""
    return [value if value is not None and math.isfinite(value) else None for value in values]


def finite_in(value: Any) -> Any:
    """Return a JSON value, with None in place of numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite_in(each) for key, each in value.items()}
    return [finite_in(each) for each in value] if isinstance(value, list | tuple) else value
