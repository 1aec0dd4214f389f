"""`tuner stop` and `tuner trial`: steer the runs of a study, and one trial, from another terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.wrapping import say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import UsageError


def _trial_number(given: str) -> int:
    """Return the number of a trial.

    Raises:
        UsageError: it is something else, such as the action.
    """
    if not given.isdecimal():
        raise UsageError(f"{given}: must be the number of a trial; the order is `tuner trial STUDY N stop`")
    return int(given)


def stop(
    study: options.StudyName,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="With --server: end the study for good; its trials stay.")
    ] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Stop the runs of a study, like Ctrl-C in their terminals: no trial is lost, the same command resumes.

    Running trials wait at their epoch's end for the next run.

    Example: tuner stop digits-cnn
    """
    say(home(storage, server).stop(study, cancel))


def trial(
    study: options.StudyName,
    number: Annotated[int, typer.Argument(metavar="N", help="The trial's number.", parser=_trial_number)],
    action: Annotated[str, typer.Argument(metavar="stop|ignore|retry", help="What to do with it.")],
    undo: Annotated[bool, typer.Option("--undo", help="Count an ignored trial again.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Stop, ignore or retry one trial. A run of the study sees that within a second; without a run, the next one does.

    stop ends it at its epoch's end, as pruned. ignore takes it out of the best trials, the plots, the importances and
    the view of sampler and pruner. It still counts towards the total. retry runs what failed or was pruned again, under
    its number and from its first epoch.

    Example: tuner trial digits-cnn 17 stop

    Example: tuner trial digits-cnn 17 ignore --undo

    Example: tuner trial digits-cnn 17 retry
    """
    from tuner.study.interventions import Steer

    home(storage, server).steer(study, number, action, undo)
    done = {
        Steer.STOP: "stops at its next epoch's end",
        Steer.RETRY: "runs again; without a run at work, the next `tuner run` trains it",
        Steer.IGNORE: "counts again" if undo else "is ignored; `--undo` counts it again",
    }
    say(f"trial {number} of study {study} {done[Steer(action)]}")
