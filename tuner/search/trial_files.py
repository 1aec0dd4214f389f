"""The files of trials: checkpoints to go on from, and logs of what trials print.

A file that cannot be written costs a message and never the search.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

from tuner.errors import TunerError
from tuner.search.events import Observer, Trouble
from tuner.storage.checkpoints import Checkpoints


class TrialFiles:
    """The checkpoints and logs of a study.

    Args:
        folder: the study's; it is made when the first file is written.
        observe: is told of each file that cannot be read, written or deleted.
    """

    def __init__(self, folder: Path, observe: Observer) -> None:
        self._checkpoints = Checkpoints(folder / "checkpoints")
        self._logs = folder / "logs"
        self._observe = observe

    def load(self, trial: int) -> bytes | None:
        """Return the trial's checkpoint, if an earlier attempt left one."""
        try:
            return self._checkpoints.load(trial)
        except OSError as error:
            self._observe(Trouble(f"trial {trial} begins anew: its checkpoint cannot be read: {error.strerror}"))
            return None

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Write a checkpoint whole or not at all; without one, an interrupted trial is run again."""
        try:
            self._checkpoints.save(trial, state, best)
        except TunerError as error:
            self._observe(Trouble(f"trial {trial} goes on without a new checkpoint: {error}"))

    def keep(self, trials: Container[int]) -> None:
        """Delete the checkpoints of all other trials."""
        try:
            self._checkpoints.keep(trials)
        except OSError as error:
            self._observe(Trouble(f"checkpoints that are of no use cannot be deleted: {error}"))

    def drop(self, trial: int) -> None:
        """Delete the checkpoints of a trial that begins anew."""
        try:
            self._checkpoints.drop(trial)
        except OSError as error:
            self._observe(Trouble(f"the checkpoints of trial {trial} cannot be deleted: {error.strerror}"))

    def log(self, trial: int) -> Path:
        """Return the file for a trial's output, in a folder that exists if it can be made."""
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._observe(Trouble(f"what trial {trial} prints is not kept: {self._logs}: {error.strerror}"))
        return self._logs / f"{trial}.log"
