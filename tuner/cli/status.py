"""`tuner status`: what runs at this moment, read from the study in any terminal."""

from __future__ import annotations

import datetime
import signal
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuner.cli import options
from tuner.cli.home import home
from tuner.cli.views.status_lines import lines
from tuner.cli.views.status_wait import Awaited, Lookout
from tuner.cli.views.wrapping import FAILED, say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import NotOpened
from tuner.results.progress import Overview, Running
from tuner.runtime.rounding import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tuner.study import Record


def status(
    study: options.StudyName,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Fill the terminal and follow the study; q leaves, or Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON, with --watch one each time.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks of --watch.", min=0.1)] = 1.0,
    wait: Annotated[
        float, typer.Option(help="Seconds that --watch waits for a study or a run that is not there yet.", min=0)
    ] = 600.0,
    storage: options.Storage = DEFAULT_STORAGE,
    server: options.Server = None,
) -> None:
    """Show what is running, where, at which epoch, and about when it will end.

    --watch waits for the study and for a run of it. It follows the run to its end, and leaves the last state of the
    study on the terminal.

    --json prints one object. Its keys are time, study, phase, total, ended, states, front, leader, running, left and
    set_back. Further keys are drivers, recent, failures, stopped, seconds_left, limit and job.

    phase is running, waiting, resting, done, unknown, stopped by search.stop, or absent. It is waiting while a server
    goes on with the study by itself. It is absent, with a reason, while the study has no trial or --watch waits for it.
    job is the state of the study's job at a server, with the reason, or null.

    states has the number of trials in each state. front has the best trial, or the whole front. leader is a running
    trial that is better, or null. left counts trials left running by drivers that are gone. drivers is null if they are
    unknown. recent has the trials that ended last, the latest at the end. failures has state, cause, count and an
    example's number for each cause. stopped is the reason of an early end.

    Each trial has trial and values. A running one has epoch, epochs, worker, host and device. waits is whether its
    worker trains another trial. value is that of its epochs so far, quiet the seconds without an epoch. An ended one
    has state, epoch, seconds and why.

    Example: tuner status digits-cnn --watch

    Example: tuner status digits-cnn --json | jq .ended
    """
    look = home(storage, server).look(study)
    try:
        if as_json:
            for each in followed(Lookout(look, wait), interval) if watch else [look()]:
                print(json_text(data(each) if isinstance(each, Overview) else _absent(study, each)), flush=True)
            return
        last = _watched(study, look, interval, wait) if watch else look()
    except NotOpened as unopened:
        if watch:  # it has waited in vain
            raise
        print(json_text(_absent(study, Awaited(str(unopened), None)))) if as_json else say(str(unopened))
        return
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    if last is None:
        return
    for line in lines(last):
        say(line)
    if told := last.failures.sentence:
        say(told, FAILED)


def _watched(study: str, look: Callable[[], Overview], interval: float, wait: float) -> Overview | None:
    from tuner.cli.views.status_screen import watched

    return watched(study, Lookout(look, wait), interval)


def followed(lookout: Callable[[], Overview | Awaited], interval: float) -> Iterator[Overview | Awaited]:
    """Yield a look every `interval` seconds; the last one is when the run is over."""
    while not (seen := lookout()).over:
        yield seen
        time.sleep(interval)
    yield seen


def _absent(study: str, awaited: Awaited) -> dict[str, Any]:
    if awaited.seen is not None:
        return data(awaited.seen)
    now = datetime.datetime.now().isoformat(timespec="seconds")
    return {"time": now, "study": study, "phase": "absent", "reason": awaited.reason}


def data(seen: Overview) -> dict[str, Any]:
    """Return the numbers as JSON values, under the keys that the help of `status` explains."""
    return {
        "time": seen.time.isoformat(timespec="seconds"),
        "study": seen.study,
        "phase": seen.phase.value,
        "total": seen.total,
        "ended": seen.ended,
        "states": dict(seen.states),
        "front": [_ended_data(record, seen) for record in seen.front],
        "leader": None if seen.leader is None else _running_data(seen.leader),
        "running": [_running_data(one) for one in seen.running],
        "left": seen.left,
        "set_back": seen.set_back,
        "drivers": None if seen.drivers is None else list(seen.drivers),
        "recent": [_ended_data(record, seen) for record in seen.recent],
        "failures": [asdict(each) for each in seen.failures.causes],
        "stopped": seen.stopped or None,
        "seconds_left": seen.seconds_left,
        "limit": seen.limit or None,
        "job": seen.job or None,
    }


def _running_data(one: Running) -> dict[str, Any]:
    return {
        "trial": one.trial,
        "epoch": one.epoch,
        "epochs": one.epochs,
        "waits": one.waits,
        "values": dict(one.values),
        "value": one.value,
        "worker": one.worker or None,
        "host": one.host or None,
        "device": one.device or None,
        "quiet": one.quiet,
    }


def _ended_data(record: Record, seen: Overview) -> dict[str, Any]:
    return {
        "trial": record.number,
        "state": record.state.value,
        "values": dict(zip(seen.metrics, record.values, strict=False)),
        "epoch": record.epoch,
        "seconds": record.seconds,
        "why": record.why or None,
    }
