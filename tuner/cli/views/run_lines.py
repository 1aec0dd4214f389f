"""A run in plain lines, for output without a live view; and phrases that both views share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.cli.views.run_state import Progress
from tuner.cli.views.trials_table import about, value_and_spread
from tuner.protocol import State, WorkerState
from tuner.runtime.rounding import amount, rounded, value_text
from tuner.search.events import Ended, Event, Noted, Opened, Reported, SetBack, Stopping, Trouble, WorkerSeen
from tuner.study import Record

EVERY_SECONDS = 30.0
"""Seconds between two signs of life of a long trial."""


def lines_of(event: Event, progress: Progress) -> Iterator[str]:
    """Yield the lines about an event that `progress` has already counted."""
    match event:
        case Opened():
            yield f"study {event.study}: {event.finished} of {amount(max(event.total, event.finished), 'trial')} done"
            if event.recovered:
                trials = amount(event.recovered, "trial")
                yield f"left running by a crash: {trials}; the run resumes each under its own number"
            yield from (f"note: {note}" for note in progress.new_notes)  # a confirmation opens studies on the same data
        case Ended(_, record):
            yield f"{_ending(record, progress)}; {_standing(progress)}; {count(progress)}"
        case Reported(epoch) if progress.is_due(EVERY_SECONDS):
            values = named(progress.titles, [epoch.metrics[name] for name in progress.metrics])
            yield f"trial {epoch.trial}, epoch {epoch.epoch}: {values}; {count(progress)}"
        case SetBack(outcome) if outcome.state is State.LOST:
            yield f"trial {outcome.trial} was lost, {outcome.cause}, and goes on from its last checkpoint"
        case WorkerSeen(worker, WorkerState.GONE, cause) if cause:
            yield f"worker {worker} is gone: {cause}"
        case Trouble(message) | Noted(message):
            yield message
        case Stopping():
            yield "stopping at this epoch's end; once more to stop at once"


def named(metrics: Sequence[str], values: Sequence[float]) -> str:
    """Return each metric with its value."""
    return ", ".join(f"{name} {rounded(value)}" for name, value in zip(metrics, values, strict=False))


def count(progress: Progress, brief: bool = False) -> str:
    """Return the number of ended trials, those of this run unless brief, and the time left."""
    left = progress.seconds_left
    time_left = "" if left is None or progress.ended >= progress.total else f", about {about(left)} left"
    here = f" ({progress.ended - progress.ended_before} in this run)" if progress.ended_before and not brief else ""
    return f"{progress.ended} of {amount(max(progress.total, progress.ended), 'trial')}{here}{time_left}"


def _ending(record: Record, progress: Progress) -> str:
    told = zip(progress.titles, progress.metrics, record.values, strict=False)
    values = ", ".join(f"{title} {value_and_spread(record, metric, value)}" for title, metric, value in told)
    is_in_cause = named(progress.titles, record.values) in record.why  # a pruner has told the value
    values = f", {values}" if values and not is_in_cause else ""
    cause = f" ({record.why})" if record.why else f" at epoch {record.epoch}" if record.epoch else ""
    return f"trial {record.number} {record.state}{values}{cause}"


def _standing(progress: Progress) -> str:
    """Return the state of the study in a few words."""
    if (leader := progress.leader) is not None:
        return f"best {value_text(leader.value)} (trial {leader.trial.number}, running)"
    if not progress.front:
        return "no best yet" if len(progress.metrics) == 1 else "no front yet"
    if len(progress.metrics) > 1:
        return f"{len(progress.front)} on the front"
    return f"best {value_text(progress.front[0].value)} (trial {progress.front[0].number})"
