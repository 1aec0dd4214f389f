"""The log of a run: every event as one line of JSON, for other programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import UsageError
from tuner.search.event_lines import EventLines
from tuner.search.events import Event, Observer


@contextlib.contextmanager
def log_to(file: str) -> Iterator[Observer]:
    """Open a file for an observer that adds each event to its end.

    Raises:
        UsageError: the file cannot be written.
    """
    path = Path(file)
    try:
        log = path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file}: cannot be written: {error.strerror}") from None
    lines = EventLines()

    def see(event: Event) -> None:
        log.write(lines.of(event) + "\n")
        log.flush()

    with log:
        yield see
