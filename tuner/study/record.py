"""A trial as everyone but the driver sees it: read from the study, never written."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from tuner.config import State

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
_SHOWN_AS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class Record:
    """A trial as the study has it.

    `state` is ours where we told it (`diverged`, `out of memory`), else Optuna's; `epoch` is the one
    that the value comes from; `reports` is the objective by epoch, `history` has one list per metric,
    an entry per epoch.
    """

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    epoch: int | None
    cause: str
    reports: Mapping[int, float]
    history: Mapping[str, list[float]]
    started: datetime.datetime | None
    seconds: float | None
    attributes: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether the trial trained to its end."""
        return self.state == State.COMPLETE.value


def record_of(trial: FrozenTrial) -> Record:
    """Read a trial, ours or one that another program left in the database."""
    attributes = trial.user_attrs
    ours = "attempt" in attributes
    history: dict[str, list[float]] = attributes.get("history", {}) if ours else {}
    seconds = sum(history["seconds"]) if "seconds" in history else None
    if seconds is None and trial.duration is not None:
        seconds = trial.duration.total_seconds()
    return Record(
        number=trial.number,
        state=attributes["state"] if ours and trial.state in FINISHED else _SHOWN_AS[trial.state],
        value=trial.values[0] if trial.values else None,
        params=trial.params,
        epoch=attributes.get("epoch") if ours else None,
        cause=attributes.get("cause", "") if ours else "",
        reports=trial.intermediate_values,
        history=history,
        started=trial.datetime_start,
        seconds=seconds,
        attributes=attributes,
    )
