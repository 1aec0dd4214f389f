"""Files of a study beside the database: checkpoints, and the output of its trials."""

from __future__ import annotations

import collections
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.study import Study


class Kept:
    """The files of a study at this moment; a study of another program has none.

    Args:
        study: the study.
        storage: the URL of its database.
    """

    def __init__(self, study: Study, storage: str) -> None:
        from tuner.storage import study_folder

        self._folder = study_folder(storage, study.name, study.uid) if study.uid else None

    @functools.cached_property
    def checkpoints(self) -> dict[int, list[Path]]:
        """The checkpoints of each trial: the state to resume from, and the best epoch's weights."""
        from tuner.storage.checkpoints import Checkpoints

        found = collections.defaultdict(list)
        for file in [] if self._folder is None else Checkpoints(self._folder / "checkpoints").files():
            if file.suffix == ".pt":  # and is no longer being written
                found[int(file.name.partition(".")[0])].append(file)
        return dict(found)

    def log_file(self, trial: int) -> Path | None:
        """Return the file that a trial's output goes to, if the study has a folder."""
        return None if self._folder is None else self._folder / "logs" / f"{trial}.log"

    def log(self, trial: int) -> Path | None:
        """Return the file of a trial's output, if there is one."""
        file = self.log_file(trial)
        return file if file is not None and size(file) else None

    def logs(self) -> dict[int, Path]:
        """Return the files of output that there are at this moment, by trial."""
        files = [] if self._folder is None else (self._folder / "logs").glob("*.log")
        found = {int(file.stem): file for file in files if file.stem.isdecimal()}
        return dict(sorted(found.items()))

    @property
    def summary(self) -> str:
        """The size of the checkpoints and their folder; empty without checkpoints."""
        files = [file for each in self.checkpoints.values() for file in each]
        if not files:
            return ""
        trials = f"{len(self.checkpoints)} trial{'s' * (len(self.checkpoints) > 1)}"
        return f"checkpoints: {readable(sum(map(size, files)))} of {trials} in {from_here(files[0].parent)}"

    def of_trial(self, trial: int) -> dict[str, str]:
        """Return a trial's files by their kind, each with its size."""
        log = self.log(trial)
        files = {} if log is None else {"log": log}
        for file in self.checkpoints.get(trial, []):
            files["best weights" if file.name.endswith(".best.pt") else "checkpoint"] = file
        return {name: f"{from_here(file)} ({readable(size(file))})" for name, file in files.items()}

    def data(self, trial: int) -> dict[str, Any]:
        """Return a trial's files as JSON values: absolute paths, sizes in bytes."""
        log = self.log(trial)
        return {
            "log": None if log is None else _facts(log),
            "checkpoints": [_facts(file) for file in self.checkpoints.get(trial, [])],
        }


def size(file: Path) -> int:
    """Return the size of a file in bytes; 0 if a run has just deleted it."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def readable(count: float) -> str:
    """Return a number of bytes with a unit."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 100 or unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def from_here(path: Path) -> str:
    """Return a path as typed in the current folder."""
    here = Path.cwd()
    return str(path.absolute().relative_to(here) if path.absolute().is_relative_to(here) else path.absolute())


def _facts(file: Path) -> dict[str, Any]:
    return {"path": str(file.absolute()), "bytes": size(file)}
