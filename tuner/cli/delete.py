"""`tuner delete`: removes a study and its files beside the database."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import NotOpened, UsageError
from tuner.runtime.rounding import amount


def delete(
    study: options.StudyName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Delete a study with all of its trials, and its confirmation if it has one.

    Example: tuner delete digits-cnn --yes
    """
    from tuner.results.confirmation import runs_of

    there = home(storage, server)
    try:
        opened = there.results(study).study
    except NotOpened as unopened:
        _delete_unopened(study, server or "", yes, unopened)
        return
    confirmed = runs_of(opened)
    doomed = [opened] if confirmed is None else [opened, confirmed]
    if not yes:
        named = " and ".join(f"{one.name} with its {amount(len(one.records()), 'trial')}" for one in doomed)
        _ask(f"Delete study {named}?")
    there.delete(opened)
    say(f"deleted {study}" + (f" and its confirmation {confirmed.name}" if confirmed is not None else ""))


def _delete_unopened(study: str, server: str, yes: bool, unopened: NotOpened) -> None:
    """Delete a study that a server has, and that has no trial."""
    from tuner.client import Client

    if not yes:
        _ask(f"{unopened}. Delete it?")
    with Client(server) as client:
        client.study(study).delete()
    say(f"deleted {study}")


def _ask(question: str) -> None:
    """Go on only with a yes.

    Raises:
        UsageError: nobody answers.
        typer.Abort: the answer is no.
    """
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        raise UsageError("nothing is deleted without an answer; give --yes to delete without a question") from None
    if not agreed:
        raise typer.Abort
