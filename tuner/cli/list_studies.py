"""`tuner list`: the studies of a database or of a server."""

from __future__ import annotations

from tuner.cli import options
from tuner.cli.home import StudyRow, home
from tuner.cli.views.wrapping import FAILED, say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import counted


def list_(storage: options.Storage = DEFAULT_STORAGE, server: options.Server = None) -> None:
    """List the studies of a database, or of a server.

    Example: tuner list --storage sqlite:///old/studies.db
    """
    from rich.table import Column, Table

    from tuner.cli.views.widgets import UNBOUNDED, stdout

    there = home(storage, server)
    found = there.rows()
    if not found:
        say(f"There is no study in {there.place} yet.")
        return
    served = any(row.job is not None for row in found)
    table = Table(
        Column("study", no_wrap=True),
        *([Column(head, no_wrap=True) for head in ("state", "owner", "priority")] if served else []),
        "metric",
        Column("best", no_wrap=True),
        Column("trials", no_wrap=True),
        "of which",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    rows: list[tuple[str, ...]] = []
    for row in found:
        shown = ", ".join(f"{count} {state}" for state, count in row.states.items())
        if row.ignored:
            shown += f", {row.ignored} ignored"
        rows.append((row.name, ", ".join(row.metrics), row.best, str(row.trials), shown))
        table.add_row(row.name, *(_job(row) if served else ()), *rows[-1][1:])
    console = stdout()
    if console.measure(table, options=console.options.update(max_width=UNBOUNDED)).minimum <= console.width:
        console.print(table)
    else:  # a table would cut words
        for row, (name, metric, best, trials, shown) in zip(found, rows, strict=True):
            say(name if row.job is None else f"{name}: {row.job.state}; {row.job.owner}, priority {row.job.priority}")
            say(f"    {metric} {best}; {counted(int(trials), 'trial')}{f': {shown}' if shown else ''}")
    for row in found:
        if row.job is not None and row.job.told:
            say(f"{row.name} is {row.job.state}: {row.job.told}")
        if row.failed:
            say(f"{row.name}: {row.failed}", FAILED)


def _job(row: StudyRow) -> tuple[str, str, str]:
    return ("", "", "") if row.job is None else (row.job.state, row.job.owner, str(row.job.priority))
