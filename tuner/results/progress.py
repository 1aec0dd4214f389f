"""The state of a study at one moment, read from its database: the data of every view of `tuner status`."""

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
"""Number of latest ended trials that are stored."""

SILENT_EPOCHS = 5
"""A trial that is silent for this many of its epochs, or has none yet, counts as silent."""

SILENT_SECONDS = 60.0
"""Least number of seconds of such a silence."""


class Phase(enum.StrEnum):
    """The phase of a study."""

    RUNNING = "running"
    WAITING = "waiting"
    """No trial runs at this moment. A server goes on by itself."""
    RESTING = "resting"
    """No run is active, and trials are left."""
    DONE = "done"
    STOPPED = "stopped"
    """`search.stop` has ended it."""
    UNKNOWN = "unknown"
    """Whether a run is active is unknown."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running trial.

    `epochs` is the number of its epochs, None if unknown. `begun` is whether its parameters are complete, `waits`
    whether its worker trains another trial. `values` are its latest values by metric. `value` is the current value of
    the one objective, from an epoch within the bounds, else None. `worker`, `host` and `device` are empty before a
    worker has it. `quiet` is the least number of seconds since its last sign, `silent` whether that is long for it.
    `seconds_left` is the time of its remaining epochs, 0 if unknown.
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

    `total` is the number of trials of the study. `ended` have ended, `left` were left running by drivers that are gone,
    and `set_back` wait with epochs behind them. `states` counts all trials. `drivers` are the active processes, None if
    unknown. `recent` are the trials that ended last, the latest at the end; `failures` are the failed ones. `stopped`
    is the reason of `search.stop`, and `limit` the run's time limit; both are empty without one. `seconds_left` is an
    estimate from the ended trials, None without any or if no trial runs. `command` is the command that trains it.
    `job` is the state of its job at a server with the reason, empty without a job.
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
    job: str = ""

    @property
    def leader(self) -> Running | None:
        """The running trial that is better than every ended one; None if there is none."""
        return leader_of(self.running, self.front[0].value if self.front else None, self.direction)

    @property
    def end(self) -> datetime.datetime | None:
        """The expected time of the end at this pace."""
        return None if self.seconds_left is None else self.time + datetime.timedelta(seconds=self.seconds_left)

    @property
    def quiet(self) -> float | None:
        """The seconds since the last sign of any trial, if it is unknown who trains; None if not long."""
        if self.phase is not Phase.UNKNOWN or not self.running:
            return None
        quiet = min(one.quiet for one in self.running)
        return quiet if quiet > SILENT_SECONDS else None

    @property
    def over(self) -> bool:
        """Whether no run is active any more."""
        return self.phase in (Phase.RESTING, Phase.DONE, Phase.STOPPED)


def overview(results: Results, drivers: Mapping[str, str] | None, now: datetime.datetime) -> Overview:
    """Return the state of a study.

    Args:
        results: of the study, as it was just loaded.
        drivers: the processes that work on it by their names; None is unknown.
        now: the time, by the clock that dates trials.
    """
    from tuner.results.failures import failures_of
    from tuner.study import Unfinished, told_apart
    from tuner.study.stop_rules import stop_reason

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
    """Return the known total of trials, and the command that trains them."""
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
    """Return a running trial; one without an epoch may wait for one of the workers in `training`."""
    from tuner.space.suggest import Known

    facts = record.attributes
    begun = facts.attempt is not None or not study.made_here  # else its parameters are not all there yet
    epochs = study.space.fill(Known(record.params))["training"]["epochs"] if begun and study.made_here else None
    usual = statistics.mean(record.history["seconds"]) if record.history.get("seconds") else 0.0
    lanes, quiet = facts.lanes or 1, _silence(record, now)
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
        worker=facts.worker or "",
        host=facts.host or "",
        device=facts.device or "",
        quiet=quiet,
        silent=begun and not waits and quiet > max(SILENT_SECONDS, SILENT_EPOCHS * usual),
        seconds_left=max(0.0, usual * lanes * ((epochs or 0) - epoch) - quiet),
    )


def _value(goal: Goal, history: Mapping[str, Sequence[float]]) -> float | None:
    """Return the value of a running trial from its epochs so far."""
    told = {name: history[name] for name in goal.names if name in history}
    value = None
    for row in zip(*told.values(), strict=False):
        value = value_after(goal, value, dict(zip(told, row, strict=True)))
    return value


def _silence(record: Record, now: datetime.datetime) -> float:
    """Return the least number of seconds since a running trial's last sign; epochs have no dates.

    A resumed trial may have been silent for longer, by its earlier epochs. Each of the trials that train as one program
    has its share of the seconds.
    """
    if record.started is None:
        return 0.0
    heard = (record.seconds or 0.0) * (record.attributes.lanes or 1)
    return max(0.0, (now - record.started).total_seconds() - heard)


def _seconds_left(
    ended: Sequence[Record], records: Sequence[Record], running: Sequence[Running], total: int
) -> float | None:
    """Return the seconds for the remaining trials, at the mean time of ended ones and with the current workers.

    They are at least those of the running trial with the most left.
    """
    if not ended or not running:
        return None
    mean = statistics.mean(record.seconds or 0.0 for record in ended)
    spent = sum(min(mean, record.seconds or 0.0) for record in records)
    at_this_pace = max(0.0, (total - len(ended)) * mean - spent) / len({_worker(record) for record in records})
    return max([at_this_pace, *(one.seconds_left for one in running)])


def _worker(record: Record) -> tuple[str, str]:
    return record.attributes.host or "", record.attributes.worker or ""
