"""The folder of a job: the output, events and exit code of its drivers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tuner.runtime.files import write_whole

LAST_LINES = 8
"""Lines of a driver's output that say why it failed."""

LAST_BYTES = 8192
"""Bytes at the end of the output that are searched for them."""

_ERROR = "tuner: "
"""The beginning of an error on the command line."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    """`<home>/jobs/<job id>/`. Files grow over the starts of a job; `begun` has their sizes at the last one."""

    path: Path

    @classmethod
    def of(cls, home: Path, number: int) -> JobFolder:
        """Return the folder of the job with this number, which may not exist yet."""
        return cls(home.absolute() / "jobs" / str(number))

    @property
    def log(self) -> Path:
        """What drivers printed."""
        return self.path / "driver.log"

    @property
    def events(self) -> Path:
        """The events of a search, a line of JSON each. The byte at which one ends is its id."""
        return self.path / "events.jsonl"

    @property
    def confirmation(self) -> Path:
        """The events of a confirmation. Its trials are of another study, so listeners do not read them."""
        return self.path / "confirmation.jsonl"

    @property
    def exit(self) -> Path:
        """The exit code of the last driver, once it has ended."""
        return self.path / "exit"

    @property
    def _begun(self) -> Path:
        return self.path / "begun.json"

    def begin(self) -> None:
        """Note where the files of a new start begin, and forget the last exit code.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
            TunerError: the same.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.exit.unlink(missing_ok=True)
        files = (self.log, self.events, self.confirmation)
        write_whole(self._begun, json.dumps({file.name: _size(file) for file in files}).encode())

    def began_at(self, file: Path) -> int:
        """Return the size that a file had at the last start."""
        try:
            return int(json.loads(self._begun.read_text()).get(file.name, 0))
        except FileNotFoundError:
            return 0

    def is_newer(self, file: Path) -> bool:
        """Return whether a file was written since the last start."""
        try:
            return file.stat().st_mtime_ns > self._begun.stat().st_mtime_ns
        except FileNotFoundError:
            return False

    def last_sign(self) -> float:
        """Return when its driver ended. Without an exit code it is when it last wrote, or 0."""
        files = [self.exit] if self.exit.exists() else [self.log, self.events, self.confirmation]
        return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)

    def exit_code(self) -> int | None:
        """Return the exit code of the last driver. None if it wrote none, or a full disk took it."""
        text = self.exit.read_text() if self.exit.exists() else ""
        return int(text) if text.strip().isdigit() else None

    def last_lines(self) -> str:
        """Return the last error that the last driver printed, or else its last lines; empty if it printed none."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self.began_at(self.log), _size(self.log) - LAST_BYTES))
                text = log.read(LAST_BYTES).decode(errors="replace")
        except FileNotFoundError:
            return ""
        lines = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
        errors = [number for number, line in enumerate(lines) if line.startswith(_ERROR)]
        return "\n".join(lines[errors[-1] :] if errors else lines).removeprefix(_ERROR)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
