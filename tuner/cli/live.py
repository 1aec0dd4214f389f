"""The views of a run on stderr: a live one in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.cli.progress import Progress
from tuner.study import Record
from tuner.tune import Ended, Event, Observer, Opened, Reported, Stopping

EVERY_SECONDS = 30.0
"""How often a long trial says where it is when there is no terminal."""

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
        case Ended(_, record):
            best = f"best {progress.best.value:.5g} (trial {progress.best.number})" if progress.best else "no best yet"
            yield f"{_ending(record, progress.metric)}; {best}; {_count(progress)}"
        case Reported(epoch) if progress.is_due(EVERY_SECONDS):
            value = f"{progress.metric} {epoch.metrics[progress.metric]:.5g}"
            yield f"trial {epoch.trial}, epoch {epoch.epoch}: {value}; {_count(progress)}"
        case Stopping():
            yield "stopping at this epoch's end; once more to stop at once"


def _ending(record: Record, metric: str) -> str:
    value = "" if record.value is None else f", {metric} {record.value:.5g}"
    cause = f" ({record.cause})" if record.cause else f" at epoch {record.epoch}" if record.epoch else ""
    return f"trial {record.number} {record.state}{value}{cause}"


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
    if progress.best is not None:
        yield Text.assemble(
            "best ", (f"{progress.metric} {progress.best.value:.5g}", "bold green"), f"  trial {progress.best.number}"
        )
    if progress.stopping:
        yield Text("stopping at this epoch's end; Ctrl-C again to stop at once", style="bold yellow")


def _current(progress: Progress) -> Table | Text:
    if progress.trial is None:
        return Text("asking for the next trial ...", style="dim")
    epochs = progress.trial.config.training.epochs
    done = progress.epoch.epoch if progress.epoch else 0
    value = f"{progress.metric} {progress.epoch.metrics[progress.metric]:.5g}" if progress.epoch else ""
    row = Table.grid(padding=(0, 2))
    row.add_row(f"trial {progress.trial.number}", ProgressBar(epochs, done, width=20), f"epoch {done}/{epochs}", value)
    return row


def _table(progress: Progress) -> Iterator[Table]:
    if not progress.recent:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("trial", "state", progress.metric, "epoch", "seconds"):
        table.add_column(name, justify="left" if name == "state" else "right", no_wrap=True)
    table.add_column("why", overflow="ellipsis", no_wrap=True)
    for record in reversed(progress.recent):
        value = "" if record.value is None else f"{record.value:.5g}"
        state = Text(record.state, style=STYLES.get(record.state, ""))
        seconds = f"{record.seconds or 0:.1f}"
        table.add_row(str(record.number), state, value, str(record.epoch or ""), seconds, Text(record.cause))
    yield table
