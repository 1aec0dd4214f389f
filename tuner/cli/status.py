"""`tuner status`: what runs at this moment, as the study tells it to any terminal."""

from __future__ import annotations

import datetime
import statistics
from typing import TYPE_CHECKING

import typer

from tuner.cli import options
from tuner.config import DEFAULT_STORAGE

if TYPE_CHECKING:
    from tuner.study import Record, Study


def status(study: options.StudyName, storage: options.Storage = DEFAULT_STORAGE) -> None:
    """Say what is running, where, at which epoch, and about when it will end.

    Example: tuner status digits-cnn
    """
    from tuner.storage import open_storage
    from tuner.study import load_study
    from tuner.study.record import FINISHED_STATES

    opened = load_study(open_storage(storage), study)
    records = opened.records()
    ended = [record for record in records if record.state in FINISHED_STATES]
    running = [record for record in records if record.state == "running"]
    total = opened.space.setting("search.trials") if opened.made_here else len(records)
    typer.echo(f"study {opened.name}: {len(ended)} of {total} trials have ended, {len(running)} running")
    for record in running:
        typer.echo(f"  trial {record.number}: {_where(opened, record)}")
    if (left := _seconds_left(ended, len(running), total)) is not None:
        end = datetime.datetime.now() + datetime.timedelta(seconds=left)
        typer.echo(f"at this pace it ends about {end:%Y-%m-%d %H:%M}")


def _where(study: Study, record: Record) -> str:
    from tuner.space.suggesters import Known

    epochs = study.space.fill(Known(record.params))["training"]["epochs"] if study.made_here else None
    done = max((len(values) for values in record.history.values()), default=0)
    facts = record.attributes
    place = f" on {facts['device']} of {facts['host']}" if "host" in facts else ""
    value = ", ".join(
        f"{name} {record.history[name][-1]:.5g}" for name in study.goal.metrics if record.history.get(name)
    )
    return f"epoch {done}" + (f" of {epochs}" if epochs else "") + place + (f", {value}" if value else "")


def _seconds_left(ended: list[Record], running: int, total: int) -> float | None:
    """The trials that are left at the mean length of those that ended, as many at once as run now."""
    lengths = [record.seconds for record in ended if record.seconds is not None]
    if not lengths or not running:
        return None
    return max(0, total - len(ended)) * statistics.mean(lengths) / running
