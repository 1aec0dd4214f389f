"""The views of a run on stderr: a live one in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.cli.progress import Progress
from tuner.driver import Ended, Event, Observer, Opened, Reported, SetBack, Stopping
from tuner.port import State
from tuner.study import Record

EVERY_SECONDS = 30.0
"""How often a long trial says where it is when there is no terminal."""

MOST_SHOWN = 6
"""So many trials of a front are shown while it grows."""

STYLES = {"complete": "green", "pruned": "yellow", "failed": "red", "diverged": "magenta", "out of memory": "magenta"}


@contextlib.contextmanager
def view(quiet: bool) -> Iterator[Observer]:
    """An observer that shows what it sees, for as long as the context lasts."""
    console = Console(stderr=True)
    if quiet:
        yield lambda event: None
    elif console.is_terminal:
        yield from _live(console)
    else:
        yield _lines(console)


def _live(console: Console) -> Iterator[Observer]:
    progress = Progress()
    with Live(console=console, get_renderable=lambda: _screen(progress), refresh_per_second=4, transient=True):
        yield progress.see


def _lines(console: Console) -> Observer:
    progress = Progress()

    def observe(event: Event) -> None:
        progress.see(event)
        for line in _lines_of(event, progress):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    return observe


def _lines_of(event: Event, progress: Progress) -> Iterator[str]:
    match event:
        case Opened():
            yield f"study {event.study}: {event.finished} of {event.total} trials done"
            if event.recovered:
                yield f"{event.recovered} trials were left running by a crash and go on under their own numbers"
            yield from (f"note: {note}" for note in event.notes)
        case Ended(_, record):
            yield f"{_ending(record, progress.metrics)}; {_standing(progress)}; {_count(progress)}"
        case Reported(epoch) if progress.is_due(EVERY_SECONDS):
            values = _values(progress.metrics, [epoch.metrics[name] for name in progress.metrics])
            yield f"trial {epoch.trial}, epoch {epoch.epoch}: {values}; {_count(progress)}"
        case SetBack(outcome) if outcome.state is State.LOST:
            yield f"trial {outcome.trial} was lost, {outcome.cause}, and goes on from its last checkpoint"
        case Stopping():
            yield "stopping at this epoch's end; once more to stop at once"


def _ending(record: Record, metrics: Sequence[str]) -> str:
    values = f", {_values(metrics, record.values)}" if record.values else ""
    cause = f" ({record.why})" if record.why else f" at epoch {record.epoch}" if record.epoch else ""
    return f"trial {record.number} {record.state}{values}{cause}"


def _standing(progress: Progress) -> str:
    """How far the study has come, in a few words."""
    if not progress.front:
        return "no best yet" if len(progress.metrics) == 1 else "no front yet"
    if len(progress.metrics) > 1:
        return f"{len(progress.front)} on the front"
    return f"best {progress.front[0].value:.5g} (trial {progress.front[0].number})"


def _values(metrics: Sequence[str], values: Sequence[float]) -> str:
    return ", ".join(f"{name} {value:.5g}" for name, value in zip(metrics, values, strict=False))


def _count(progress: Progress) -> str:
    left = progress.seconds_left
    time_left = "" if left is None or progress.ended >= progress.total else f", about {_clock(left)} left"
    return f"{progress.ended} of {progress.total} trials{time_left}"


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))


def _screen(progress: Progress) -> Group:
    if not progress.study:
        return Group(Text("loading the data and checking the space ...", style="dim"))
    return Group(*_head(progress), _current(progress), *_table(progress))


def _head(progress: Progress) -> Iterator[Text]:
    counts = [f"{count} {state}" for state, count in progress.states.items()]
    yield Text.assemble(
        (progress.study, "bold"), "  ", "  ".join([_count(progress), *counts, _clock(progress.elapsed)])
    )
    if progress.recovered:
        yield Text(f"{progress.recovered} trials were left running by a crash and go on", style="yellow")
    yield from (Text(note, style="dim") for note in progress.notes)
    for record in progress.front[:MOST_SHOWN]:
        title = "best " if len(progress.metrics) == 1 else "front "
        values = _values(progress.metrics, record.values)
        yield Text.assemble(title, (values, "bold green"), f"  trial {record.number}")
    if len(progress.front) > MOST_SHOWN:
        yield Text(f"and {len(progress.front) - MOST_SHOWN} more on the front", style="dim")
    if progress.stopping:
        yield Text("stopping at this epoch's end; Ctrl-C again to stop at once", style="bold yellow")


def _current(progress: Progress) -> Table | Text:
    """A row for each trial that runs."""
    if not progress.running:
        return Text("asking for the next trial ...", style="dim")
    rows = Table.grid(padding=(0, 2))
    for one in list(progress.running.values())[:MOST_SHOWN]:
        epochs = one.trial.values["training"]["epochs"]
        done = one.epoch.epoch if one.epoch else 0
        told = one.epoch.metrics if one.epoch else {}
        value = _values(progress.metrics, [told[name] for name in progress.metrics if told])
        rows.add_row(f"trial {one.trial.number}", ProgressBar(epochs, done, width=20), f"epoch {done}/{epochs}", value)
    if len(progress.running) > MOST_SHOWN:
        rows.add_row(f"and {len(progress.running) - MOST_SHOWN} more")
    return rows


def _table(progress: Progress) -> Iterator[Table]:
    if not progress.recent:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", "state", *progress.metrics, "epoch", "seconds"):
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for record in reversed(progress.recent):
        values = [f"{value:.5g}" for value in record.values] or [""] * len(progress.metrics)
        state = Text(record.state, style=STYLES.get(record.state, ""))
        seconds = f"{record.seconds or 0:.1f}"
        table.add_row(str(record.number), state, *values, str(record.epoch or ""), seconds, Text(record.why))
    yield table
