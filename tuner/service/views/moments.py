"""Moments: seconds since 1970 as times for JSON, and durations that users write."""

from __future__ import annotations

import datetime
from typing import overload

from tuner.errors import UsageError
from tuner.settings import seconds


@overload
def moment(at: float) -> datetime.datetime: ...
@overload
def moment(at: float | None) -> datetime.datetime | None: ...
def moment(at: float | None) -> datetime.datetime | None:
    """Return seconds since 1970 as a time in UTC."""
    return None if at is None else datetime.datetime.fromtimestamp(at, datetime.UTC)


LONGEST_LIFE = 36_500 * 86_400.0
"""Seconds of the longest life of a token, a hundred years; calendars end not long after."""


def end_of(life: str | None, now: float) -> float | None:
    """Return when a life such as `90d` ends, in seconds since 1970; None does not end.

    Raises:
        UsageError: it is no duration, or too long.
    """
    if life is None:
        return None
    lasting = seconds(life)
    if lasting is None or lasting > LONGEST_LIFE:
        raise UsageError(f"expires: {life!r} must be a duration such as 90d or 12h, of 100 years at most")
    return now + lasting
