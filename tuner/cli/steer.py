"""`tuner stop` and `tuner trial`: steer the runs of a study, and one trial, from another terminal."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.options import _load
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import StudyError, listing


class Steer(enum.Enum):
    """What can be done with a trial."""

    STOP = "stop"


def stop(study: options.StudyName, storage: options.Storage = DEFAULT_STORAGE) -> None:
    """Stop the runs of a study, like Ctrl-C in their terminals: no trial is lost, the same command resumes.

    Running trials wait at their epoch's end for the next run.

    Example: tuner stop digits-cnn
    """
    from tuner.storage.active_drivers import drivers_of
    from tuner.storage.requests import Action, Requests

    opened = _load(storage, study)
    drivers = drivers_of(storage, opened.name)
    if not drivers:
        raise StudyError(f"study {study}: no run works on it; there is nothing to stop")
    Requests(storage, opened.name).post(Action.STOP_STUDY)
    say(f"asked {listing(sorted(drivers.values()))} to stop; running trials wait at their epoch's end")


def trial(
    study: options.StudyName,
    number: Annotated[int, typer.Argument(metavar="N", help="The trial's number.", min=0)],
    action: Annotated[Steer, typer.Argument(help="stop ends it at its epoch's end, as pruned.")],
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Stop one trial. A run of the study sees that within a second; without a run, the next one does.

    Example: tuner trial digits-cnn 17 stop
    """
    from tuner.storage.requests import Action, Requests

    opened = _load(storage, study)
    record = opened.record(number)
    if record.finished:
        raise StudyError(f"trial {number} of study {study} has ended: it is {record.state.value}")
    Requests(storage, opened.name).post(Action.STOP_TRIAL, number)
    say(f"trial {number} of study {study} stops at its next epoch's end")
