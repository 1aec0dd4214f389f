"""`tuner list`: the studies of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tuner.cli import options
from tuner.cli.views.wrapping import FAILED, say
from tuner.config import DEFAULT_STORAGE
from tuner.errors import counted
from tuner.runtime.rounding import value_text

if TYPE_CHECKING:
    from tuner.results.results import Results


def list_(storage: options.Storage = DEFAULT_STORAGE) -> None:
    """List the studies of a database.

    Example: tuner list --storage sqlite:///old/studies.db
    """
    import collections

    from rich.table import Column, Table

    from tuner.cli.views.widgets import UNBOUNDED, stdout
    from tuner.results.results import Results
    from tuner.storage import open_storage
    from tuner.study import Attended, list_studies, load_study

    opened = open_storage(storage)
    names = list_studies(opened)
    if not names:
        say(f"There is no study in {storage} yet.")
        return
    failing: list[str] = []
    rows: list[tuple[str, ...]] = []
    table = Table(
        Column("study", no_wrap=True),
        "metric",
        Column("best", no_wrap=True),
        Column("trials", no_wrap=True),
        "of which",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for name in names:
        results = Results(Attended(load_study(opened, name), storage))
        records, goal = results.records, results.goal
        states = collections.Counter(record.state for record in records)
        shown = ", ".join(f"{count} {state}" for state, count in states.items())
        if left_out := len(records) - len(results.counted):
            shown += f", {left_out} ignored"
        rows.append((name, ", ".join(goal.titles), _standing(results), str(len(records)), shown))
        table.add_row(*rows[-1])
        if told := results.failures.sentence:
            failing.append(f"{name}: {told}")
    console = stdout()
    if console.measure(table, options=console.options.update(max_width=UNBOUNDED)).minimum <= console.width:
        console.print(table)
    else:  # a table would cut words
        for name, metric, best, trials, shown in rows:
            say(name)
            say(f"    {metric} {best}; {counted(int(trials), 'trial')}{f': {shown}' if shown else ''}")
    for line in failing:
        say(line, FAILED)


def _standing(results: Results) -> str:
    from tuner.cli.views.widgets import NOTHING

    if results.confirms:
        return "(confirmation)"
    if results.goal.single:
        return NOTHING if results.best is None else value_text(results.best.value)
    return f"a front of {len(results.front)}"
