"""What a search's driver tells in its events: whether it has begun, how many trials ended, and its pace."""

from __future__ import annotations

import datetime
from pathlib import Path

from tuner.service.running.event_file import events_from

_KINDS = ("opened", "ended")


class DriverEvents:
    """The events of a driver since its start, read as they are written. A confirmation opens its study at each stage.

    Args:
        file: of the events.
        start: its size when the driver started.
    """

    def __init__(self, file: Path, start: int) -> None:
        self._file = file
        self._read = start
        self._opened_at: datetime.datetime | None = None
        self._last_at: datetime.datetime | None = None
        self._finished = 0
        self._total = 0
        self._ended = 0
        self.progressed = False
        """Whether an epoch was reported, or a trial ended, since the start."""

    @property
    def opened(self) -> bool:
        """Whether the driver has opened its study."""
        return self._opened_at is not None

    @property
    def complete(self) -> bool:
        """Whether the study has its total."""
        return self.opened and self._finished + self._ended >= self._total

    @property
    def seconds_left(self) -> float | None:
        """Seconds for the other trials at the pace so far; None before one has ended."""
        if self._opened_at is None or self._last_at is None or not self._ended:
            return None
        seconds = max(0.0, (self._last_at - self._opened_at).total_seconds())
        return max(0, self._total - self._finished - self._ended) * seconds / self._ended

    def read(self) -> None:
        """Read what was written since the last call."""
        for read, event in events_from(self._file, self._read, _KINDS if self.progressed else (*_KINDS, "reported")):
            self._read = read
            if event is None:
                continue
            self.progressed = self.progressed or event["event"] != "opened"
            at = datetime.datetime.fromisoformat(event["time"])
            if event["event"] == "opened":
                self._opened_at, self._finished, self._total = at, event["finished"], event["total"]
                self._ended = 0
            elif event["event"] == "ended":
                self._last_at = at
                self._ended += 1
