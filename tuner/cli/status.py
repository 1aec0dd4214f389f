"""`tuner status`: what runs at this moment, as the study tells it to any terminal."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import typer

from tuner.cli import options
from tuner.cli.formats import clock
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from tuner.study import Record, Study

SILENT_EPOCHS = 5
"""A trial that is silent for so many of its epochs, or has none yet, is said to be."""

SILENT_SECONDS = 60.0
"""And for so long at least."""


def status(study: options.StudyName, storage: options.Storage = DEFAULT_STORAGE) -> None:
    """Say what is running, where, at which epoch, and about when it will end.

    Example: tuner status digits-cnn
    """
    from tuner.storage import open_storage
    from tuner.storage.watching import drivers_of
    from tuner.study import load_study

    opened = load_study(open_storage(storage), study)
    records = opened.records()
    total = opened.space.setting("search.trials") if opened.made_here else len(records)
    for line in lines(opened, records, total, drivers_of(storage, study), datetime.datetime.now()):
        typer.echo(line)


def lines(
    study: Study, records: list[Record], total: int, drivers: Mapping[str, str] | None, now: datetime.datetime
) -> Iterator[str]:
    """All that is to be said.

    Args:
        study: whose status it is.
        records: its trials.
        total: how many there are to be.
        drivers: the processes that work on it by their names; None is unknown.
        now: the time, by the clock that dates trials.
    """
    ended = [record for record in records if record.finished]
    running = [record for record in records if record.state == "running"]
    alive = [record for record in running if drivers is None or record.attributes.get("driver", "") in drivers]
    left = len(running) - len(alive)
    yield f"study {study.name}: {len(ended)} of {total} trials have ended, {len(alive)} running"
    for record in alive:
        yield f"  trial {record.number}: {_doing(study, record, now)}"
    if left:
        yield f"left running by a crash: {left}; the next run goes on with {'it' if left == 1 else 'them'}"
    waiting = sum(record.state == "waiting" and bool(record.epochs) for record in records)
    if waiting:
        yield f"set back: {waiting}; the next run goes on with {'it' if waiting == 1 else 'them'}"
    if drivers:
        yield f"run by {', '.join(drivers.values())}"
    elif drivers is not None:
        yield "nothing works on it" + ("" if len(ended) >= total else ": the same `tuner run` goes on with it")
    elif alive and (quiet := min(_silence(record, now) for record in alive)) > SILENT_SECONDS:
        yield f"no trial has been heard of for {clock(quiet)}: perhaps nothing works on it"
    if (seconds := _seconds_left(ended, alive, total, now)) is not None:
        end = now + datetime.timedelta(seconds=seconds)
        limit = study.space.setting("search.timeout") if study.made_here else None
        earlier = "" if limit is None else f", or before that when the run's {limit} are over"
        yield f"at this pace it ends about {end:%Y-%m-%d %H:%M}, in {clock(seconds)}{earlier}"


def _doing(study: Study, record: Record, now: datetime.datetime) -> str:
    """The trial's epoch, its place and its last values."""
    from tuner.space.suggesters import Known

    facts = record.attributes
    if study.made_here and "attempt" not in facts:  # its parameters are not all there yet
        return "about to begin"
    epochs = study.space.fill(Known(record.params))["training"]["epochs"] if study.made_here else None
    done = record.epochs[-1] if record.epochs else max(record.reports, default=0)
    at = f"epoch {done}" + (f" of {epochs}" if epochs else "")
    place = f" on {facts['device']} of {facts['host']}, worker {facts['worker']}" if "host" in facts else ""
    values = [f", {name} {record.history[name][-1]:.5g}" for name in study.goal.metrics if record.history.get(name)]
    usual = statistics.mean(record.history["seconds"]) if record.history.get("seconds") else 0.0
    quiet = _silence(record, now)
    silent = f"; no epoch for {clock(quiet)}" if quiet > max(SILENT_SECONDS, SILENT_EPOCHS * usual) else ""
    return at + place + "".join(values) + silent


def _silence(record: Record, now: datetime.datetime) -> float:
    """For how long nothing was heard of a running trial, in seconds and at least: epochs are not dated.

    One that was resumed may have been silent for longer, by its epochs before that.
    """
    if record.started is None:
        return 0.0
    return max(0.0, (now - record.started).total_seconds() - (record.seconds or 0.0))


def _seconds_left(ended: list[Record], running: list[Record], total: int, now: datetime.datetime) -> float | None:
    """The trials that are left at the mean length of those that ended, as many at once as run now."""
    if not ended or not running:
        return None
    mean = statistics.mean(_length(record, now) for record in ended)
    spent = sum(min(mean, _length(record, now)) for record in running)
    return max(0.0, (total - len(ended)) * mean - spent) / len(running)


def _length(record: Record, now: datetime.datetime) -> float:
    """How long a trial took, or has taken; of one that was resumed `started` is when it was."""
    if record.started is None:
        return record.seconds or 0.0
    return max(((record.ended or now) - record.started).total_seconds(), record.seconds or 0.0)
