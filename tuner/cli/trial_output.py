"""What the trials of a study print, read from where the last look ended."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from tuner.errors import StudyError


class Output(Protocol):
    """The output of a study's trials, or of one of them."""

    def new(self, last: bool = True) -> Iterator[str]:
        """Yield whole lines that were added since the last call; the last time also unfinished ones.

        The lines of several trials begin with their trial's number.
        """
        ...

    def is_over(self) -> bool:
        """Return whether nothing more will be printed."""
        ...


def whole_lines(added: bytes, last: bool) -> bytes:
    """Return the part of added output that ends with a whole line; the last time all of it."""
    return added if last else added[: added.rfind(b"\n") + 1]


def shown(whole: bytes, trial: int, several: bool) -> str:
    """Return output as text that ends with a line; that of several trials has the trial before each line."""
    text = codecs.decode(whole, "utf-8", "replace")
    if text and not text.endswith("\n"):
        text += "\n"
    return "".join(f"[{trial}] {line}\n" for line in text.splitlines()) if several else text


class FileOutput:
    """The output in the files beside a database.

    Args:
        storage: the URL of the database.
        study: the name of the study.
        trial: the number of the only trial that is read.

    Raises:
        StudyError: there is no such study or trial, or another program made the study.
    """

    def __init__(self, storage: str, study: str, trial: int | None) -> None:
        from tuner.results.artifacts import Kept
        from tuner.storage import open_storage
        from tuner.study import load_study

        self._study = load_study(open_storage(storage), study)
        if trial is not None:
            self._study.record(trial)
        if not self._study.uid:
            raise StudyError(f"study {study} was not made by tuner: it has no logs")
        self._kept = Kept(self._study, storage)
        self._storage = storage
        self._trial = trial
        self._read: dict[int, int] = {}

    def new(self, last: bool = True) -> Iterator[str]:
        """Yield lines that were added, by trial."""
        for number, file in self._kept.logs().items():
            if self._trial not in (None, number):
                continue
            with file.open("rb") as opened:
                opened.seek(self._read.get(number, 0))
                whole = whole_lines(opened.read(), last)
            self._read[number] = self._read.get(number, 0) + len(whole)
            yield shown(whole, number, self._trial is None)

    def is_over(self) -> bool:
        """Return whether the trial has ended, or no run is active."""
        from tuner.storage.active_drivers import drivers_of

        if self._trial is not None and self._study.record(self._trial).finished:
            return True
        return not drivers_of(self._storage, self._study.name)
