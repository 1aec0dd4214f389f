"""`tuner logs`: what the trials of a study print, from any terminal, as it is printed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import Home, home
from tuner.cli.trial_output import Output
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import NotOpened

LOOK_SECONDS = 0.5
"""Seconds between two looks for new output; each reads the study's trials, to see whether they have ended."""


def logs(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="The output of this trial alone.", min=0)] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Wait for the run, and print new output until it, or the trial, ends; or Ctrl-C."
        ),
    ] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Print what trials wrote to stdout and stderr.

    Without --trial, each line begins with its trial's number.

    The files lie beside the database, in `.tuner/`; a run on another machine keeps them there.

    Example: tuner logs digits-cnn --trial 17 -f
    """
    there = home(storage, server)
    with contextlib.suppress(KeyboardInterrupt):
        output = _begun(there, study, trial) if follow else there.output(study, trial)
        for text in _followed(output) if follow else output.new():
            typer.echo(text, nl=False)


def _begun(there: Home, study: str, trial: int | None) -> Output:
    """Return the output of a study. Wait for the start of one that a server has queued, and say so once.

    Raises:
        StudyError: there is no such study or trial, or nothing starts it.
    """
    is_told = False
    while True:
        try:
            return there.output(study, trial)
        except NotOpened as unopened:
            if not unopened.comes:
                raise
            if not is_told:
                say(f"{unopened}; its output follows", err=True)
                is_told = True
        time.sleep(LOOK_SECONDS)


def _followed(output: Output) -> Iterator[str]:
    """Yield output as it is written; what was written last comes after the end is known."""
    over = False
    while not over:
        over = output.is_over()
        yield from output.new(last=over)
        if not over:
            time.sleep(LOOK_SECONDS)
