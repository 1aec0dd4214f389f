"""The screen of a run: the state of the study, a row for each worker, and the latest trials.

It takes the room that there is. A narrow terminal loses bars and columns. A low one loses the ended trials, then
workers. It draws beside the driver, and so iterates over copies: neither may wait for the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.cli.views.run_lines import count, named
from tuner.cli.views.run_state import Progress, Running, Worker
from tuner.cli.views.trials_table import clock
from tuner.cli.views.widgets import BAR_FROM, DETAILS_FROM, counted, cut, latest
from tuner.protocol import WorkerState
from tuner.runtime.rounding import amount

MOST_SHOWN = 6
"""Largest number of trials of a growing front that are shown."""

FEWEST_WORKERS = 2
"""Least number of rows for workers, on the lowest screens."""


def screen(progress: Progress, console: Console) -> Group:
    """Return the content of `console`, at most as high as it is."""
    if not progress.study:
        return Group(cut("loading the data and checking the space ...", "dim"), *_trouble(progress))
    width, height = console.size
    head = Group(*_head(progress, width))
    room = height - 1 - len(console.render_lines(head, pad=False))
    workers = list(progress.workers.values())
    shown = workers if len(workers) <= room else workers[: max(FEWEST_WORKERS, room - 1)]
    hidden = len(workers) - len(shown)
    left = room - max(1, len(shown)) - bool(hidden)
    return Group(
        head,
        _workers(progress, shown, width),
        *_rest(progress, hidden),
        *latest(progress.recent, progress.titles, left - 1, width),
    )


def _trouble(progress: Progress) -> Iterator[Text]:
    if progress.trouble:
        yield Text(progress.trouble, style="yellow")


def _head(progress: Progress, width: int) -> Iterator[Text]:
    between = "  " if width >= DETAILS_FROM else "\n"
    facts = Text("  ").join([*counted(progress.states), Text(clock(progress.elapsed))])
    yield Text.assemble((progress.study, "bold"), f"  {count(progress, brief=width < DETAILS_FROM)}{between}", facts)
    if progress.recovered:
        yield cut(f"left running by a crash: {amount(progress.recovered, 'trial')}, resumed", "yellow")
    yield from (Text(note, style="dim") for note in progress.notes)
    if (leader := progress.leader) is not None and leader.value is not None:
        values = named(progress.titles, [leader.value])
        yield Text.assemble("best ", (values, "bold green"), f"  trial {leader.trial.number}, running")
    for record in progress.front[:MOST_SHOWN]:
        title = "front " if len(progress.metrics) > 1 else "best " if leader is None else "best of those that ended "
        values = named(progress.titles, record.values)
        yield Text.assemble(title, (values, "bold green"), f"  trial {record.number}")
    if len(progress.front) > MOST_SHOWN:
        yield cut(f"and {len(progress.front) - MOST_SHOWN} more on the front", "dim")
    yield from _trouble(progress)
    if progress.stopping:
        yield Text("stopping at this epoch's end; Ctrl-C again to stop at once", style="bold yellow")


def _workers(progress: Progress, workers: Sequence[Worker], width: int) -> RenderableType:
    if not workers:
        return cut("asking for the first trial ...", "dim")
    places = [worker.place for worker in workers if worker.place is not None]
    several_devices = len({place.device for place in places}) > 1
    several_hosts = len({place.host for place in places}) > 1
    rows = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(4):
        rows.add_column(no_wrap=True)
    rows.add_column()  # the one that gives way
    for worker in workers:
        name = Text(worker.name if width < DETAILS_FROM else f"worker {worker.name}")
        if worker.place is not None and width >= DETAILS_FROM:
            name.append(f" {worker.place.device}" * several_devices + f" {worker.place.host}" * several_hosts, "dim")
        one = progress.trial_of(worker.name)
        if one is None:
            rows.add_row(name, _state(worker), "", "", _remark(worker))
        else:
            rows.add_row(name, *_training(one, width), _remark(worker) or _values(one, progress.metrics))
    return rows


def _training(one: Running, width: int) -> list[RenderableType]:
    at = f"{one.trained}/{one.epochs}"
    bar = ProgressBar(one.epochs, one.trained, width=20 if width >= DETAILS_FROM else 8) if width >= BAR_FROM else ""
    others = f" and {one.epoch.lanes - 1} more" if one.epoch and one.epoch.lanes > 1 else ""
    return [f"trial {one.trial.number}{others}", bar, at if width < DETAILS_FROM else f"epoch {at}"]


def _values(one: Running, metrics: Sequence[str]) -> Text:
    told = one.epoch.metrics if one.epoch else {}
    return cut(named(metrics, [told[name] for name in metrics if name in told]))


def _state(worker: Worker) -> Text:
    match worker.state:
        case WorkerState.STARTING:
            return Text("starting", "dim")
        case WorkerState.READY:
            return Text("idle", "dim")
        case WorkerState.GONE:
            return Text("gone", "red" if worker.cause else "dim")


def _remark(worker: Worker) -> Text:
    """Return why a worker is gone, or why its predecessor is."""
    if worker.state is WorkerState.GONE:
        return cut(worker.cause, "red")
    return cut(f"replaced: {worker.cause}", "yellow") if worker.replaced else Text()


def _rest(progress: Progress, hidden: int) -> Iterator[Text]:
    if hidden:
        busy = sum(progress.trial_of(name) is not None for name in list(progress.workers))
        yield cut(f"and {hidden} more workers, {busy} of all {len(progress.workers)} training", "dim")
