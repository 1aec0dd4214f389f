"""What a study keeps in files beside the database: checkpoints, and what its trials printed."""

from __future__ import annotations

import collections
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.study import Study


class Kept:
    """The files of a study, as they are now; one that another program made has none.

    Args:
        study: whose they are.
        storage: the URL of its database.
    """

    def __init__(self, study: Study, storage: str) -> None:
        from tuner.storage import study_folder

        self._folder = study_folder(storage, study.name, study.uid) if study.uid else None

    @functools.cached_property
    def checkpoints(self) -> dict[int, list[Path]]:
        """Those of each trial that has any: the state to go on from, the best epoch's weights."""
        from tuner.storage.checkpoints import Checkpoints

        found = collections.defaultdict(list)
        for file in [] if self._folder is None else Checkpoints(self._folder / "checkpoints").files():
            if file.suffix == ".pt":  # and is no longer being written
                found[int(file.name.partition(".")[0])].append(file)
        return dict(found)

    def log(self, trial: int) -> Path | None:
        """What a trial printed, if it did."""
        file = None if self._folder is None else self._folder / "logs" / f"{trial}.log"
        return file if file is not None and size(file) else None

    @property
    def summary(self) -> str:
        """How much the checkpoints take, and where they are; empty where there are none."""
        files = [file for each in self.checkpoints.values() for file in each]
        if not files:
            return ""
        trials = f"{len(self.checkpoints)} trial{'s' * (len(self.checkpoints) > 1)}"
        return f"checkpoints: {readable(sum(map(size, files)))} of {trials} in {from_here(files[0].parent)}"

    def of_trial(self, trial: int) -> dict[str, str]:
        """A trial's files by what they are, each with its size."""
        log = self.log(trial)
        files = {} if log is None else {"log": log}
        for file in self.checkpoints.get(trial, []):
            files["best weights" if file.name.endswith(".best.pt") else "checkpoint"] = file
        return {name: f"{from_here(file)} ({readable(size(file))})" for name, file in files.items()}

    def data(self, trial: int) -> dict[str, Any]:
        """A trial's files as JSON values: paths that hold anywhere on this machine, sizes in bytes."""
        log = self.log(trial)
        return {
            "log": None if log is None else _facts(log),
            "checkpoints": [_facts(file) for file in self.checkpoints.get(trial, [])],
        }


def size(file: Path) -> int:
    """In bytes; 0 when it is not there, as a run may have just deleted it."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def readable(count: float) -> str:
    """A number of bytes as people say it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 100 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def from_here(path: Path) -> str:
    """A path as one would type it in the current folder."""
    here = Path.cwd()
    return str(path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path.absolute())


def _facts(file: Path) -> dict[str, Any]:
    return {"path": str(file.absolute()), "bytes": size(file)}
