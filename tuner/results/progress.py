"""The numbers of a study at one moment, as its database has them: what every view of `tuner status` shows."""

from __future__ import annotations

import collections
import datetime
import enum
import statistics
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.goal import Direction, Goal
from tuner.results.leader import leader_of, value_after

if TYPE_CHECKING:
    from tuner.results.failures import Failures
    from tuner.results.results import Results
    from tuner.study import Record, Study, TrialStatus

MOST_RECENT = 8
"""So many of the trials that ended last are kept."""

SILENT_EPOCHS = 5
"""A trial that is silent for so many of its epochs, or has none yet, is said to be."""

SILENT_SECONDS = 60.0
"""And for so long at least."""


class Phase(enum.Enum):
    """Where a study is."""

    RUNNING = "running"
    RESTING = "resting"
    """Nothing works on it, and there are trials left."""
    DONE = "done"
    STOPPED = "stopped"
    """`search.stop` has ended it."""
    UNKNOWN = "unknown"
    """Nobody can tell whether something works on it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A trial that runs.

    `epochs` is how many it is to have, None where that is not known; `begun` whether its parameters are there, `waits`
    whether its worker trains another. `values` are its last ones by metric, `value` is that of the one objective as it
    stands, of an epoch that keeps to the bounds; None where there is none. `worker`, `host` and `device` are empty
    before a worker has it. `quiet` is for how many seconds at least nothing was heard of it, `silent` whether that is
    long for it. `seconds_left` is how long its epochs take that are left, 0 where that is not known.
    """

    trial: int
    begun: bool
    epoch: int
    epochs: int | None
    waits: bool
    values: Mapping[str, float]
    value: float | None
    worker: str
    host: str
    device: str
    quiet: float
    silent: bool
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Overview:
    """A study at one moment.

    `total` is how many trials there are to be; `ended` of them have, `left` were left running by drivers that are
    gone, `set_back` wait with epochs behind them. `states` counts all trials. `drivers` are the processes that work
    on it, None where nobody can tell. `recent` are the trials that ended last, the latest at the end; `failures` is
    what went wrong. `stopped` is why `search.stop` ended it, `limit` the run's time limit; both are empty where there
    is none. `seconds_left` is reckoned from the trials that ended; None before one has, and where nothing runs.
    `command` is what trains it.
    """

    time: datetime.datetime
    study: str
    metrics: tuple[str, ...]
    direction: Direction
    titles: tuple[str, ...]
    phase: Phase
    total: int
    ended: int
    states: Mapping[TrialStatus, int]
    running: tuple[Running, ...]
    left: int
    set_back: int
    drivers: tuple[str, ...] | None
    front: tuple[Record, ...]
    recent: tuple[Record, ...]
    failures: Failures
    stopped: str
    seconds_left: float | None
    limit: str
    command: str

    @property
    def leader(self) -> Running | None:
        """The trial that runs and is better than every one that has ended, as it stands; None where there is none."""
        return leader_of(self.running, self.front[0].value if self.front else None, self.direction)

    @property
    def end(self) -> datetime.datetime | None:
        """When it will be over at this pace."""
        return None if self.seconds_left is None else self.time + datetime.timedelta(seconds=self.seconds_left)

    @property
    def quiet(self) -> float | None:
        """For how long nothing was heard of any trial, where nobody can tell what works on it; None if not long."""
        if self.phase is not Phase.UNKNOWN or not self.running:
            return None
        quiet = min(one.quiet for one in self.running)
        return quiet if quiet > SILENT_SECONDS else None

    @property
    def over(self) -> bool:
        """Whether nothing works on it any more."""
        return self.phase in (Phase.RESTING, Phase.DONE, Phase.STOPPED)


def overview(results: Results, drivers: Mapping[str, str] | None, now: datetime.datetime) -> Overview:
    """Return how a study stands.

    Args:
        results: of the study, as it was just loaded.
        drivers: the processes that work on it by their names; None is unknown.
        now: the time, by the clock that dates trials.
    """
    from tuner.results.failures import failures_of
    from tuner.study import Unfinished, told_apart
    from tuner.study.stopping import stop_reason

    study, records = results.study, told_apart(results.records, drivers)
    ended = sorted((record for record in records if record.finished), key=lambda record: record.ended or now)
    running = [record for record in records if record.state is Unfinished.RUNNING]
    training = {_worker(record) for record in running if record.epochs}
    shown = tuple(_running(study, record, now, training) for record in running)
    total, command = _asked(results)
    stopped = "" if drivers else stop_reason(study)
    return Overview(
        time=now,
        study=study.name,
        metrics=study.goal.metrics,
        direction=study.goal.direction,
        titles=study.goal.titles,
        phase=_phase(drivers, len(ended) >= total, bool(stopped)),
        total=total,
        ended=len(ended),
        states=collections.Counter(record.state for record in records),
        running=shown,
        left=sum(record.state is Unfinished.LEFT for record in records),
        set_back=sum(record.state is Unfinished.WAITING and bool(record.epochs) for record in records),
        drivers=None if drivers is None else tuple(drivers.values()),
        front=tuple(study.front(ended)),
        recent=tuple(ended[-MOST_RECENT:]),
        failures=failures_of(ended),
        stopped=stopped,
        seconds_left=_seconds_left(ended, running, shown, total),
        limit=str(study.space.fixed["search"]["timeout"] or "") if study.made_here else "",
        command=command,
    )


def _asked(results: Results) -> tuple[int, str]:
    """How many trials there are to be, as far as that is known by now, and the command that trains them."""
    if not results.study.made_here:
        return len(results.records), ""
    if (found := results.confirmed) is None:
        ended = sum(record.finished for record in results.records)  # an earlier run may have been asked for more
        return max(results.space.search.trials, ended), "tuner run"
    return found.ended + len(found.wanted), "tuner confirm"


def _phase(drivers: Mapping[str, str] | None, complete: bool, stopped: bool) -> Phase:
    if drivers is None:
        return Phase.UNKNOWN
    if drivers:
        return Phase.RUNNING
    if stopped:
        return Phase.STOPPED
    return Phase.DONE if complete else Phase.RESTING


def _running(study: Study, record: Record, now: datetime.datetime, training: Set[tuple[str, str]]) -> Running:
    """What is known of it; one without an epoch may wait at one of the workers that are `training` another."""
    from tuner.space.suggest import Known

    facts = record.attributes
    begun = "attempt" in facts or not study.made_here  # else its parameters are not all there yet
    epochs = study.space.fill(Known(record.params))["training"]["epochs"] if begun and study.made_here else None
    usual = statistics.mean(record.history["seconds"]) if record.history.get("seconds") else 0.0
    lanes, quiet = int(facts.get("lanes", 1)), _silence(record, now)
    epoch = record.epochs[-1] if record.epochs else max(record.reports, default=0)
    waits = not record.epochs and _worker(record) in training
    return Running(
        trial=record.number,
        begun=begun,
        epoch=epoch,
        epochs=epochs,
        waits=waits,
        values={name: record.history[name][-1] for name in study.goal.metrics if record.history.get(name)},
        value=_value(study.goal, record.history),
        worker=facts.get("worker", ""),
        host=facts.get("host", ""),
        device=facts.get("device", ""),
        quiet=quiet,
        silent=begun and not waits and quiet > max(SILENT_SECONDS, SILENT_EPOCHS * usual),
        seconds_left=max(0.0, usual * lanes * ((epochs or 0) - epoch) - quiet),
    )


def _value(goal: Goal, history: Mapping[str, Sequence[float]]) -> float | None:
    """The value that a running trial has by its epochs so far."""
    told = {name: history[name] for name in goal.names if name in history}
    value = None
    for row in zip(*told.values(), strict=False):
        value = value_after(goal, value, dict(zip(told, row, strict=True)))
    return value


def _silence(record: Record, now: datetime.datetime) -> float:
    """For how long nothing was heard of a running trial, in seconds and at least: epochs are not dated.

    One that was resumed may have been silent for longer, by its epochs before that. Of trials that train as one
    program each has its share of the seconds.
    """
    if record.started is None:
        return 0.0
    heard = (record.seconds or 0.0) * int(record.attributes.get("lanes", 1))
    return max(0.0, (now - record.started).total_seconds() - heard)


def _seconds_left(
    ended: Sequence[Record], records: Sequence[Record], running: Sequence[Running], total: int
) -> float | None:
    """The trials that are left at the mean training time of those that ended, by as many workers as train now.

    It takes no less than the running trial that has longest to go.
    """
    if not ended or not running:
        return None
    mean = statistics.mean(record.seconds or 0.0 for record in ended)
    spent = sum(min(mean, record.seconds or 0.0) for record in records)
    at_this_pace = max(0.0, (total - len(ended)) * mean - spent) / len({_worker(record) for record in records})
    return max([at_this_pace, *(one.seconds_left for one in running)])


def _worker(record: Record) -> tuple[str, str]:
    return record.attributes.get("host", ""), record.attributes.get("worker", "")
