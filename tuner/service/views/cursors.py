"""Cursors: parts of sorted lists. A cursor is the sort key of the last item, so that new items shift nothing."""

from __future__ import annotations

import base64
import binascii
import bisect
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tuner.errors import UsageError

T = TypeVar("T")

MOST_ITEMS = 1000
"""Largest number of items in one answer."""


def part(
    items: Sequence[T], key: Callable[[T], tuple[Any, ...]], limit: int, cursor: str | None
) -> tuple[Sequence[T], str | None]:
    """Return the next items of a sorted list, and the cursor behind them; None at the end.

    Args:
        items: sorted by `key`.
        key: JSON values that differ for each item.
        limit: how many items to return at most.
        cursor: of an earlier part; None is the beginning.

    Raises:
        UsageError: the cursor is not one of this list.
    """
    start = 0
    if cursor is not None:
        try:
            start = bisect.bisect_right(items, _read(cursor), key=key)
        except (TypeError, ValueError, binascii.Error, RecursionError):
            raise UsageError(f"cursor: is not one of this list: {cursor}; begin without it") from None
    found = items[start : start + limit]
    return found, _written(key(found[-1])) if start + limit < len(items) else None


def _written(key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _read(cursor: str) -> tuple[Any, ...]:
    found = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
    if not isinstance(found, list):
        raise ValueError(cursor)
    return tuple(found)
