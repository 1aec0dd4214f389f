"""`tuner logs`: what the trials of a study print, from any terminal, as it is printed."""

from __future__ import annotations

import codecs
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.options import _load
from tuner.config import DEFAULT_STORAGE
from tuner.errors import StudyError

if TYPE_CHECKING:
    from tuner.results.artifacts import Kept

LOOK_SECONDS = 0.5
"""Seconds between two looks for new output; each reads the study's trials, to see whether they have ended."""


def logs(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="The output of this trial alone.", min=0)] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new output until the trial, or the run, ends; or Ctrl-C.")
    ] = False,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Print what trials wrote to stdout and stderr.

    Without --trial, each line begins with its trial's number.

    The files lie beside the database, in `.tuner/`; a run on another machine keeps them there.

    Example: tuner logs digits-cnn --trial 17 -f
    """
    from tuner.results.artifacts import Kept
    from tuner.storage.active_drivers import drivers_of

    opened = _load(storage, study)
    if trial is not None:
        opened.record(trial)
    if not opened.uid:
        raise StudyError(f"study {study} was not made by tuner: it has no logs")

    def is_over() -> bool:
        """Return whether nothing more will be printed."""
        if trial is not None and opened.record(trial).finished:
            return True
        return not drivers_of(storage, opened.name)

    output = _Output(Kept(opened, storage), trial)
    with contextlib.suppress(KeyboardInterrupt):
        for text in _followed(output, is_over) if follow else output.new():
            typer.echo(text, nl=False)


def _followed(output: _Output, is_over: Callable[[], bool]) -> Iterator[str]:
    """Yield output as it is written; what was written last comes after the end is known."""
    over = False
    while not over:
        over = is_over()
        yield from output.new(last=over)
        if not over:
            time.sleep(LOOK_SECONDS)


class _Output:
    """The output of a study's trials, or of one of them, read from where the last look ended.

    Args:
        kept: has a file for each trial.
        trial: the number of the only one that is read.
    """

    def __init__(self, kept: Kept, trial: int | None) -> None:
        self._kept = kept
        self._trial = trial
        self._read: dict[int, int] = {}

    def new(self, last: bool = True) -> Iterator[str]:
        """Yield whole lines that were added since the last call, by trial; the last time also unfinished ones."""
        for number, file in self._kept.logs().items():
            if self._trial not in (None, number):
                continue
            with file.open("rb") as opened:
                opened.seek(self._read.get(number, 0))
                added = opened.read()
            whole = added if last else added[: added.rfind(b"\n") + 1]
            self._read[number] = self._read.get(number, 0) + len(whole)
            text = codecs.decode(whole, "utf-8", "replace")
            if text and not text.endswith("\n"):
                text += "\n"
            yield text if self._trial is not None else "".join(f"[{number}] {line}\n" for line in text.splitlines())
