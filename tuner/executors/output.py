"""The output of trials, saved in a file for each; in the driver the terminal shows it too."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO, cast


class Tee:
    """While entered, output of Python code also goes to the current log."""

    def __init__(self) -> None:
        self._file: Path | None = None
        self._open: TextIO | None = None

    def __enter__(self) -> Tee:
        self._before = sys.stdout, sys.stderr
        sys.stdout = cast("TextIO", _Doubled(sys.stdout, self))
        sys.stderr = cast("TextIO", _Doubled(sys.stderr, self))
        return self

    def __exit__(self, *error: object) -> None:
        self.log_to(None)
        sys.stdout, sys.stderr = self._before

    def log_to(self, file: Path | None) -> None:
        """Append output to `file` from now on; it is created at the first output. None logs nothing."""
        if self._open is not None:
            with contextlib.suppress(OSError):
                self._open.close()
        self._file, self._open = file, None

    def write(self, text: str) -> None:
        """Add text to the log."""
        if self._file is None:
            return
        try:
            if self._open is None:
                self._open = self._file.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
            self._open.write(text)
        except OSError:  # a disk that is full must not fail the trial; its words are on the terminal all the same
            self._file = None


class _Doubled:
    """A stream whose text also goes to the log."""

    def __init__(self, stream: TextIO, tee: Tee) -> None:
        self._stream = stream
        self._tee = tee

    def write(self, text: str) -> int:
        self._tee.write(text)
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def append(file: Path, text: bytes) -> None:
    """Append output from elsewhere to a log; a full disk loses it."""
    with contextlib.suppress(OSError), file.open("ab") as log:
        log.write(text)


class Redirection:
    """Sends all output of a process, C code and crash messages included, to a log while one is set."""

    def __init__(self) -> None:
        self._before = [os.dup(1), os.dup(2)]
        self._file: Path | None = None

    def log_to(self, file: Path | None) -> None:
        """Print to the end of `file` from now on; None restores the output. An empty log is removed."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # a full disk must not fail the trial, here and below
                stream.flush()
        self._point(*self._before)
        with contextlib.suppress(OSError):
            if self._file is not None and self._file.is_file() and not self._file.stat().st_size:
                self._file.unlink()
        self._file = file
        if file is not None:
            with contextlib.suppress(OSError), file.open("ab") as opened:
                self._point(opened.fileno(), opened.fileno())

    def _point(self, stdout: int, stderr: int) -> None:
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
