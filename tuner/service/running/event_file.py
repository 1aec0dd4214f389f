"""The file of a driver's events, read while the driver writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def events_from(
    file: Path, read: int, kinds: Sequence[str] | None = None
) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
    """Yield the byte after each whole line, and its event. An unfinished line waits for a later call.

    Args:
        file: of a driver's events, which may not exist yet.
        read: the byte to begin at.
        kinds: of events to parse; None is all. The others, and lines that a full disk has cut, are None.
    """
    if not file.exists():
        return
    marks = None if kinds is None else tuple(f'"event": "{kind}"'.encode() for kind in kinds)
    with file.open("rb") as opened:
        opened.seek(read)
        for line in opened:
            if not line.endswith(b"\n"):
                return
            read += len(line)
            yield read, _parsed(line) if marks is None or any(mark in line for mark in marks) else None


def _parsed(line: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
