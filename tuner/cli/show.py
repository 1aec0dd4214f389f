"""The commands on studies: list, show, report, export, dashboard, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.options import _load
from tuner.cli.views.trials_table import Format, print_study, print_trial
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    pass


def show(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="Show one trial with all its facts.")] = None,
    top: Annotated[int, typer.Option(help="How many of the best trials stand in the table.", min=0)] = 5,
    form: Annotated[Format, typer.Option("--format", help="The format; json and yaml have everything.")] = Format.TABLE,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Show a study: its course, its best trials and which parameters matter; or one trial in full.

    Example: tuner show digits-cnn --top 10

    Example: tuner show digits-cnn --trial 17 --format json
    """
    from tuner.cli.artifacts import Kept
    from tuner.study import Attended

    opened = Attended(_load(storage, study), storage)
    kept, records = Kept(opened, storage), opened.records()
    if trial is None:
        print_study(opened, records, kept, form, top)
    else:
        print_trial(opened, records[opened.record(trial).number], kept, form)
