"""Studies and trials as tables, JSON and YAML on stdout."""

from __future__ import annotations

import collections
import enum
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tuner.study import Record, Study

MOST_ROWS = 40
"""A longer table shows the best trials only."""


class Format(enum.Enum):
    """How to print."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def print_study(study: Study, form: Format) -> None:
    """A study: its best trial and a table of trials, or all of it as data."""
    records = study.records()
    if form is not Format.TABLE:
        facts = {"study": study.name, "metric": study.metric, "direction": study.direction.value}
        _print_data({**facts, "trials": [_data(record) for record in records]}, form)
        return
    best = study.best()
    states = collections.Counter(record.state for record in records)
    counts = ", ".join(f"{count} {state}" for state, count in states.items()) or "none yet"
    typer.echo(f"study {study.name}: {study.metric}, to {study.direction.value}")
    typer.echo(f"trials: {counts}")
    if best is not None:
        typer.echo(f"best: trial {best.number}, {study.metric} {best.value:.6g}" + _at(best))
        _print_pairs(best.params)
    _print_table(study, records)


def print_trial(study: Study, record: Record, form: Format) -> None:
    """All that is known of one trial."""
    if form is not Format.TABLE:
        _print_data(_data(record), form)
        return
    typer.echo(
        f"trial {record.number} of study {study.name}: {record.state}" + (f", {record.cause}" if record.cause else "")
    )
    if record.value is not None:
        typer.echo(f"{study.metric} {record.value:.6g}" + _at(record))
    typer.echo("\nparameters:")
    _print_pairs(record.params)
    shown = ("attempt", "seed", "threads", "device", "host")
    typer.echo("\nrun:")
    _print_pairs({name: record.attributes[name] for name in shown if name in record.attributes})
    _print_history(record.history)
    if "traceback" in record.attributes:
        typer.echo(f"\n{record.attributes['traceback'].rstrip()}")


def _at(record: Record) -> str:
    return f" at epoch {record.epoch}" if record.epoch is not None else ""


def _data(record: Record) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state,
        "value": record.value,
        "epoch": record.epoch,
        "seconds": record.seconds,
        "started": record.started.isoformat() if record.started else None,
        "cause": record.cause,
        "params": dict(record.params),
        "history": dict(record.history),
        "attributes": {
            key: value for key, value in record.attributes.items() if key not in ("history", "cause", "state")
        },
    }


def _print_data(data: Mapping[str, Any], form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps(data, indent=2))
        return
    from tuner.space.document import block

    typer.echo(block(dict(data)))


def _print_pairs(pairs: Mapping[str, Any]) -> None:
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        typer.echo(f"  {name:<{width}}  {value}")


def _print_table(study: Study, records: list[Record]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = records
    if len(records) > MOST_ROWS:
        shown = study.ranked(records)[:MOST_ROWS]
        typer.echo(f"the best {MOST_ROWS} of {len(records)} trials (--format json has all):")
    if not shown:
        return
    table = Table(
        "trial", "state", study.metric, "epoch", "seconds", "why", box=None, pad_edge=False, header_style="dim"
    )
    for record in shown:
        value = "" if record.value is None else f"{record.value:.5g}"
        seconds = "" if record.seconds is None else f"{record.seconds:.1f}"
        table.add_row(str(record.number), record.state, value, str(record.epoch or ""), seconds, Text(record.cause))
    Console(markup=False, highlight=False).print(table)


def _print_history(history: Mapping[str, list[float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not history:
        return
    table = Table("epoch", *history, box=None, pad_edge=False, header_style="dim")
    for epoch, values in enumerate(zip(*history.values(), strict=False), start=1):
        table.add_row(str(epoch), *(f"{value:.4g}" for value in values))
    typer.echo("\nepochs:")
    Console(markup=False, highlight=False).print(table)
