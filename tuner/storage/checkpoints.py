"""The checkpoints of a study: at most two files per trial, the state to resume from and the best weights."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Container
from pathlib import Path

from tuner.errors import TunerError
from tuner.runtime.files import write_whole

_FILE = re.compile(r"\.*(\d+)(\.best|\.[0-9a-f]{8})?\.pt(\.partial)*")
"""A checkpoint, one that is staged, or the rest of one that was being written when its driver died."""


class Checkpoints:
    """Reads, writes and deletes checkpoints.

    Args:
        folder: need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, trial: int) -> bool:
        """Return whether there is a state to resume from."""
        return (self._folder / f"{trial}.pt").exists()

    def load(self, trial: int) -> bytes | None:
        """Return the state to resume from, if there is one."""
        file = self._folder / f"{trial}.pt"
        return file.read_bytes() if file.exists() else None

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Write a checkpoint whole or not at all.

        Raises:
            TunerError: it cannot be written.
        """
        write_whole(self._folder / (f"{trial}.best.pt" if best else f"{trial}.pt"), state)

    def stage(self, trial: int, state: bytes) -> Path:
        """Write a state to resume from into a file of its own, and return it. `put` makes it the trial's.

        Raises:
            TunerError: it cannot be written.
        """
        staged = self._folder / f".{trial}.{secrets.token_hex(4)}.pt.partial"
        write_whole(staged, state)
        return staged

    def put(self, trial: int, staged: Path) -> None:
        """Replace the state to resume from by a staged one.

        Raises:
            TunerError: it cannot be written.
        """
        try:
            os.replace(staged, self._folder / f"{trial}.pt")
        except OSError as error:
            raise TunerError(f"the checkpoint of trial {trial} cannot be written: {error.strerror}") from None

    def files(self, trial: int | None = None) -> list[Path]:
        """Return the checkpoint files of a trial, or all, by name."""
        there = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        return [file for file in there if (number := _number(file)) is not None and trial in (None, number)]

    def keep(self, trials: Container[int]) -> None:
        """Delete the checkpoints of all other trials."""
        for file in self.files():
            if _number(file) not in trials:
                file.unlink(missing_ok=True)

    def drop(self, trial: int) -> None:
        """Delete the checkpoints of a trial."""
        for file in self.files(trial):
            file.unlink(missing_ok=True)

    def size(self) -> int:
        """Return the size of the checkpoints in bytes."""
        return sum(file.stat().st_size for file in self.files())


def _number(file: Path) -> int | None:
    match = _FILE.fullmatch(file.name)
    return int(match[1]) if match else None
