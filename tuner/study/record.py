"""A trial for all code but the driver: read from the study, never written."""

from __future__ import annotations

import datetime
import enum
import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from optuna.trial import FrozenTrial, TrialState

from tuner.errors import listing
from tuner.goal import Direction
from tuner.protocol import DEVIATION, State
from tuner.runtime.rounding import rounded
from tuner.storage import FINISHED
from tuner.study.distributions import label_of
from tuner.study.marks import Ignored, Marks, Retried
from tuner.study.trial_attributes import TrialAttributes, attributes_of


class Unfinished(enum.StrEnum):
    """The state of a trial that has not ended; `LEFT` is running by the database, but its driver is gone."""

    WAITING = "waiting"
    RUNNING = "running"
    LEFT = "left running"


TrialStatus: TypeAlias = State | Unfinished

STOPPED = "epoch.stopped"
"""A metric of a history: it is 1 at the epoch at which the pruner stopped. No other metric has a dot in its name."""

_SHOWN_AS: Mapping[TrialState, TrialStatus] = {
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
    TrialState.FAIL: State.FAILED,
    TrialState.RUNNING: Unfinished.RUNNING,
    TrialState.WAITING: Unfinished.WAITING,
}


@dataclass(frozen=True, slots=True)
class Record:
    """A trial as the study stores it.

    `state` is the cause that tuner recorded (`DIVERGED`, `OUT_OF_MEMORY`), else Optuna's state. `values` has one value
    per objective, or is empty; `epoch` is their epoch. `violations` is the amount by which each bound is broken, above
    0 if it is. `reports` has the one objective by epoch. `history` has one list per metric, with an entry for each of
    `epochs`. `ended` is the time of the end. `ignored` says who took it out of the results, if someone did. `retried`
    says who wanted it to run again after it had ended.
    """

    number: int
    state: TrialStatus
    values: tuple[float, ...]
    params: Mapping[str, Any]
    epoch: int | None
    cause: str
    violations: Mapping[str, float]
    reports: Mapping[int, float]
    epochs: Sequence[int]
    history: Mapping[str, list[float]]
    started: datetime.datetime | None
    ended: datetime.datetime | None
    seconds: float | None
    attributes: TrialAttributes
    ignored: Ignored | None = None
    retried: Retried | None = None

    @property
    def complete(self) -> bool:
        """Whether the trial trained to its end."""
        return self.state is State.COMPLETE

    @property
    def finished(self) -> bool:
        """Whether it has ended in any way."""
        return isinstance(self.state, State)

    @property
    def failed(self) -> bool:
        """Whether an exception has ended it."""
        return self.state is State.FAILED

    @property
    def retriable(self) -> bool:
        """Whether it can run again under its number: it failed in some way, or was pruned."""
        return self.finished and not self.complete

    @property
    def value(self) -> float | None:
        """The value of the first or only objective."""
        return self.values[0] if self.values else None

    def deviation(self, metric: str) -> float | None:
        """Return the standard deviation of a metric over folds and seeds at `epoch`; None for a trial without them."""
        values = self.history.get(metric + DEVIATION)
        if values is None or self.epoch not in self.epochs:
            return None
        return values[self.epochs.index(self.epoch)]

    @property
    def loss(self) -> float:
        """The validation loss at `epoch`; infinity if it is unknown."""
        values = self.history.get("loss")
        if values is None or self.epoch not in self.epochs:
            return math.inf
        loss = values[self.epochs.index(self.epoch)]
        return math.inf if math.isnan(loss) else loss

    @property
    def feasible(self) -> bool:
        """Whether no bound is known to be broken."""
        return all(violation <= 0 for violation in self.violations.values())

    @property
    def sound(self) -> bool:
        """Whether it may be chosen: complete, within the bounds and not ignored."""
        return self.complete and self.feasible and self.ignored is None

    @property
    def why(self) -> str:
        """Who ignores it, and why it ended early, or which bounds it breaks."""
        if self.ignored is not None:
            return f"ignored by {self.ignored.by}" + (f"; {self._shortfall}" if self._shortfall else "")
        return self._shortfall

    @property
    def _shortfall(self) -> str:
        broken = (f"{name} by {rounded(violation)}" for name, violation in self.violations.items() if violation > 0)
        return self.cause or (f"out of bounds: {listing(broken)}" if not self.feasible else "")


def sound(records: Iterable[Record]) -> list[Record]:
    """Return the trials whose values are compared: complete, within the bounds, finite, not ignored."""
    return [record for record in records if record.sound and record.values and all(map(math.isfinite, record.values))]


def undominated(records: Iterable[Record], directions: Sequence[Direction]) -> list[Record]:
    """Return the records that no other dominates, ordered by the first objective."""
    signs = [-1 if direction is Direction.MAXIMIZE else 1 for direction in directions]

    def losses(record: Record) -> list[float]:
        return [sign * value for sign, value in zip(signs, record.values, strict=True)]

    front: list[tuple[list[float], Record]] = []
    for record in sorted(records, key=losses):  # so that none is dominated by a later one
        own = losses(record)
        if not any(other != own and all(map(operator.le, other, own)) for other, _ in front):
            front.append((own, record))
    return [record for _, record in front]


def record_of(trial: FrozenTrial, marks: Marks) -> Record:
    """Read a trial of tuner or of another program.

    Args:
        trial: as Optuna has it.
        marks: of its study.
    """
    attributes = attributes_of(trial)
    ours = attributes.ours
    kept = attributes.history or {} if ours else {}
    history = {name: values for name, values in kept.items() if name not in ("epoch", STOPPED)}
    seconds = sum(history["seconds"]) if "seconds" in history else None
    if seconds is None and trial.duration is not None:
        seconds = trial.duration.total_seconds()
    return Record(
        number=trial.number,
        state=_state(trial, attributes.state if ours else None),
        values=tuple(trial.values or ()),
        params={name: label_of(value) for name, value in trial.params.items()},
        epoch=attributes.epoch if ours else None,
        cause=attributes.cause or "" if ours else "",
        violations=_violations(trial),
        reports=trial.intermediate_values,
        epochs=[int(epoch) for epoch in kept.get("epoch", [])],
        history=history,
        started=trial.datetime_start,
        ended=trial.datetime_complete,
        seconds=seconds,
        attributes=attributes,
        ignored=marks.ignored.get(trial.number),
        retried=marks.retried.get(trial.number),
    )


def _state(trial: FrozenTrial, told: str | None) -> TrialStatus:
    """Return the state that tuner recorded, else Optuna's: another program may have ended the trial."""
    return State(told) if trial.state in FINISHED and told in list(State) else _SHOWN_AS[trial.state]


def _violations(trial: FrozenTrial) -> dict[str, float]:
    """Return the violations by name, else those of Optuna's old list, which has positions only."""
    named = {name: violation for name, violation in trial.constraints.items() if not name.isdecimal()}
    return named or {f"constraint {place}": violation for place, violation in trial.constraints.items()}
