"""`tuner show`: a study, or one of its trials."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.trials_table import Format, print_study, print_trial
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import NotOpened


def show(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="Show one trial with all its facts.")] = None,
    top: Annotated[int, typer.Option(help="How many of the best trials stand in the table.", min=0)] = 5,
    form: Annotated[Format, typer.Option("--format", help="The format; json and yaml have everything.")] = Format.TABLE,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Show a study: its course, its best trials and which parameters matter; or one trial in full.

    Example: tuner show digits-cnn --top 10

    Example: tuner show digits-cnn --trial 17 --format json
    """
    there = home(storage, server)
    try:
        results = there.results(study)
    except NotOpened as unopened:
        if trial is not None or form is not Format.TABLE:
            raise
        say(str(unopened))
        return
    kept = there.kept(results.study)
    if trial is None:
        print_study(results, kept, form, top)
    else:
        print_trial(results.study, results.record(trial), kept, form)
