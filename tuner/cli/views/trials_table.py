"""Studies and trials as tables, JSON and YAML on stdout."""

from __future__ import annotations

import datetime
import enum
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from tuner.cli.views.wrapping import say
from tuner.runtime.rounding import json_text, rounded, value_text

if TYPE_CHECKING:
    from tuner.cli.home import Files
    from tuner.goal import Goal
    from tuner.results.importances import Importances
    from tuner.results.results import Results
    from tuner.study import Record, Study

MOST_ROWS = 40
"""Default number of shown trials of a front."""


class Format(enum.Enum):
    """The output format."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


def print_study(results: Results, kept: Files, form: Format, top: int) -> None:
    """Print a study's summary with its `top` best trials, or all of it as data."""
    if form is Format.TABLE:
        from tuner.cli.views.summary_table import print_summary
        from tuner.results.summary import summary

        print_summary(summary(results, top), kept.summary)
        return
    goal, failures = results.goal, results.failures
    facts = {"study": results.study.name, **_goal_data(goal), "front": [record.number for record in results.front]}
    facts |= {"ended": failures.ended, "failures": [asdict(each) for each in failures.causes]}
    found = zip(goal.metrics, results.importances, strict=True)
    facts["importances"] = {metric: _importances_data(each) for metric, each in found}
    _print_data({**facts, "trials": [_data(record, kept) for record in results.records]}, form)


def print_trial(study: Study, record: Record, kept: Files, form: Format) -> None:
    """All that is known of one trial."""
    if form is not Format.TABLE:
        _print_data(_data(record, kept), form)
        return
    say(f"trial {record.number} of study {study.name}: {record.state}" + (f", {record.why}" if record.why else ""))
    if record.values:
        say(values_of(study.goal, record) + _at(record))
    if (origin := record.attributes.origin) is not None:
        say(f"{origin.way.value} {origin}")
    if record.retried is not None:
        say(f"retried by {record.retried.by} after attempt {record.retried.attempt}")
    typer.echo("\nparameters:")
    _print_pairs(record.params)
    shown = ("attempt", "seed", "worker", "threads", "lanes", "device", "host")
    if run := {name: fact for name in shown if (fact := getattr(record.attributes, name)) is not None}:
        typer.echo("\nrun:")
        _print_pairs(run)
    if files := kept.of_trial(record.number):
        typer.echo("\nfiles:")
        _print_pairs(files)
    _print_history(study.goal, record)
    if record.attributes.traceback is not None:
        typer.echo(f"\n{record.attributes.traceback.rstrip()}")


def print_front(study: Study, front: list[Record]) -> None:
    """Print the trials of the front, a row each."""
    from rich.table import Table

    from tuner.cli.views.widgets import NOTHING, stdout

    table = Table("trial", *study.goal.titles, "epoch", box=None, pad_edge=False, header_style="dim")
    for record in front[:MOST_ROWS]:
        table.add_row(str(record.number), *(rounded(value) for value in record.values), str(record.epoch or NOTHING))
    stdout().print(table)
    if len(front) > MOST_ROWS:
        say(f"and {len(front) - MOST_ROWS} more (tuner show {study.name} --format json has all)")


def clock(seconds: float) -> str:
    """Return a time as hours, minutes and seconds."""
    return str(datetime.timedelta(seconds=round(seconds)))


def about(seconds: float) -> str:
    """Return a remaining time in hours, minutes and seconds, rounded up so that it is never 0."""
    return clock(max(1, math.ceil(seconds)))


def values_of(goal: Goal, record: Record) -> str:
    """Return each objective with its value."""
    named = zip(goal.titles, goal.metrics, record.values, strict=True)
    return ", ".join(f"{title} {value_and_spread(record, metric, value)}" for title, metric, value in named)


def value_and_spread(record: Record, metric: str, value: float) -> str:
    """Return a value of a trial, with its standard deviation over folds and seeds if it has them."""
    deviation = record.deviation(metric)
    return rounded(value) if deviation is None else f"{rounded(value)} (std {rounded(deviation)})"


def _goal_data(goal: Goal) -> dict[str, Any]:
    directions = [direction.value for direction in goal.directions]
    if goal.single:
        return {"metric": goal.metric, "direction": directions[0]}
    return {"metrics": list(goal.metrics), "directions": directions}


def _importances_data(found: Importances) -> dict[str, Any]:
    parameters = [
        {"name": each.name, "where": each.where, "trials": each.trials, "share": each.share, "overall": each.overall}
        | {"told_from_chance": each.told}
        for each in found.ranked
    ]
    return {
        "method": "fANOVA",
        "evaluated": found.evaluated,
        "trials": found.trials,
        "doubt": found.doubt,
        "parameters": parameters,
    }


def _at(record: Record) -> str:
    return f" at epoch {record.epoch}" if record.epoch is not None else ""


def _data(record: Record, kept: Files) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state.value,
        "value": record.value,
        "values": list(record.values),
        "feasible": record.feasible,
        "violations": dict(record.violations),
        "epoch": record.epoch,
        "seconds": record.seconds,
        "started": record.started.isoformat() if record.started else None,
        "cause": record.cause,
        "ignored": None if record.ignored is None else asdict(record.ignored),
        "retried": None if record.retried is None else asdict(record.retried),
        "params": dict(record.params),
        "history": dict(record.history),
        "reports": dict(record.reports),
        "attributes": {
            key: value for key, value in record.attributes.named.items() if key not in ("history", "cause", "state")
        },
        **kept.data(record.number),
    }


def _print_data(data: Mapping[str, Any], form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json_text(data, indent=2))
        return
    from tuner.space.yaml_writer import block

    typer.echo(block(dict(data)))


def _print_pairs(pairs: Mapping[str, Any]) -> None:
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        say(f"  {name:<{width}}  {value_text(value)}")


def _print_history(goal: Goal, record: Record) -> None:
    from rich.table import Table

    from tuner.cli.views.widgets import stdout

    if record.history:
        what, names = "epoch", [goal.shown.get(name, name) for name in record.history]
        rows = list(zip(record.epochs, zip(*record.history.values(), strict=False), strict=False))
    else:  # a trial of another program has what it reported, and no more
        what, names = "step", ["reported"]
        rows = [(step, (value,)) for step, value in sorted(record.reports.items())]
    if not rows:
        return
    table = Table(what, *names, box=None, pad_edge=False, header_style="dim")
    for step, values in rows:
        table.add_row(str(step), *(rounded(value) for value in values))
    typer.echo(f"\n{what}s:")
    stdout().print(table)
