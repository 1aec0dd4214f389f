"""`tuner logs`: what the trials of a study print, from any terminal, as it is printed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.trial_output import Output
from tuner.config import DEFAULT_STORAGE

LOOK_SECONDS = 0.5
"""Seconds between two looks for new output; each reads the study's trials, to see whether they have ended."""


def logs(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="The output of this trial alone.", min=0)] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new output until the trial, or the run, ends; or Ctrl-C.")
    ] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Print what trials wrote to stdout and stderr.

    Without --trial, each line begins with its trial's number.

    The files lie beside the database, in `.tuner/`; a run on another machine keeps them there.

    Example: tuner logs digits-cnn --trial 17 -f
    """
    output = home(storage, server).output(study, trial)
    with contextlib.suppress(KeyboardInterrupt):
        for text in _followed(output) if follow else output.new():
            typer.echo(text, nl=False)


def _followed(output: Output) -> Iterator[str]:
    """Yield output as it is written; what was written last comes after the end is known."""
    over = False
    while not over:
        over = output.is_over()
        yield from output.new(last=over)
        if not over:
            time.sleep(LOOK_SECONDS)
