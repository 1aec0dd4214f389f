"""`tuner delete`: removes a study and its files beside the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.options import _load
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.runtime.rounding import amount

if TYPE_CHECKING:
    from tuner.study import Study


def delete(
    study: options.StudyName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Delete a study with all of its trials, and its confirmation if it has one.

    Example: tuner delete digits-cnn --yes
    """
    from tuner.results.confirmation import runs_of

    opened = _load(storage, study)
    confirmed = runs_of(opened)
    doomed = [opened] if confirmed is None else [confirmed, opened]  # if the second fails, the first is found again
    if not yes:
        named = " and ".join(f"{one.name} with its {amount(len(one.records()), 'trial')}" for one in reversed(doomed))
        typer.confirm(f"Delete study {named}?", abort=True)
    for one in doomed:
        _delete(one, storage)
    say(f"deleted {study}" + (f" and its confirmation {confirmed.name}" if confirmed is not None else ""))


def _delete(study: Study, storage: str) -> None:
    import shutil

    from tuner.storage import alone, open_storage, study_folder
    from tuner.study import delete_study

    with alone(storage, study.name):
        if study.uid:
            shutil.rmtree(study_folder(storage, study.name, study.uid), ignore_errors=True)
        delete_study(open_storage(storage), study.name)
