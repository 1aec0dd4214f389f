"""Events of a study at a server as those of a local run, so that the same views show both."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.client.event_reader import ServerEvent
from tuner.client.study_reader import StudyReader
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict, WorkerState
from tuner.search.events import (
    Ended,
    Event,
    Noted,
    Opened,
    Reported,
    SetBack,
    Started,
    Stopping,
    Trouble,
    WorkerSeen,
)
from tuner.study import Leaderboard, Record, TrialStatus
from tuner.study.trial_attributes import TrialAttributes


class RunEvents:
    """Reads the events of a study in their order, from the first one on.

    Args:
        study: the study.
    """

    def __init__(self, study: StudyReader) -> None:
        self._study = study
        self._leaders: Leaderboard | None = None
        self._states: collections.Counter[TrialStatus] = collections.Counter()

    def of(self, told: ServerEvent) -> Event | None:
        """Return an event of the run; None for an event of the server, or an end before the beginning."""
        facts = told.data
        match facts.get("event"):
            case "opened":
                return self._opened(facts)
            case "started":
                return Started(_trial(facts), _place(facts))
            case "reported":
                return Reported(_epoch(facts), Verdict(facts["verdict"]))
            case "ended":
                return self._ended(facts)
            case "set back":
                return SetBack(_outcome(facts))
            case "stopping":
                return Stopping(facts["signal"])
            case "worker":
                return WorkerSeen(facts["worker"], WorkerState(facts["state"]), facts["cause"])
            case "note":
                return Noted(facts["message"])
            case "trouble":
                return Trouble(facts["message"])
            case _:
                return None

    def _opened(self, facts: Mapping[str, Any]) -> Event:
        study = self._study.load()
        began = datetime.datetime.fromisoformat(facts["time"]).astimezone().replace(tzinfo=None)
        before = [record for record in study.records() if record.ended is not None and record.ended <= began]
        self._leaders = Leaderboard(study, keep=1)
        self._leaders.take(before)
        self._states = collections.Counter(record.state for record in before)
        return Opened(
            study=facts["study"],
            goal=study.goal,
            total=facts["total"],
            states=dict(self._states),
            recovered=0,
            limit=None,
            front=self._leaders.front,
            notes=(),
        )

    def _ended(self, facts: Mapping[str, Any]) -> Event | None:
        if self._leaders is None:
            return None
        record = _record(facts)
        self._leaders.take([record])
        self._states[record.state] += 1
        return Ended(_outcome(facts), record, self._leaders.front, dict(self._states))


def _trial(facts: Mapping[str, Any]) -> Trial:
    """Return a trial; its seed is not told."""
    return Trial(facts["trial"], facts["attempt"], facts["values"], seed=0)


def _place(facts: Mapping[str, Any]) -> Place:
    return Place(facts.get("worker", ""), facts["host"], facts["device"], facts["threads"])


def _epoch(facts: Mapping[str, Any]) -> Epoch:
    metrics = {name: _number(value) for name, value in facts["metrics"].items()}
    return Epoch(facts["trial"], facts["attempt"], facts["epoch"], metrics, facts["seconds"])


def _outcome(facts: Mapping[str, Any]) -> Outcome:
    values = _numbers(facts.get("values", ()))
    return Outcome(facts["trial"], facts["attempt"], State(facts["state"]), values, facts.get("epoch"), facts["cause"])


def _record(facts: Mapping[str, Any]) -> Record:
    """Return what an event tells of an ended trial; its epochs are not among it."""
    violations = {name: _number(value) for name, value in facts["violations"].items()}
    return Record(
        number=facts["trial"],
        state=State(facts["state"]),
        values=_numbers(facts["values"]),
        params=facts["params"],
        epoch=facts["epoch"],
        cause=facts["cause"],
        violations=violations,
        reports={},
        epochs=(),
        history={},
        started=None,
        ended=datetime.datetime.fromisoformat(facts["time"]).astimezone().replace(tzinfo=None),
        seconds=facts["seconds"],
        attributes=TrialAttributes(attempt=facts["attempt"]),
    )


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(map(_number, values))


def _number(value: float | None) -> float:
    """Return a number; JSON has null for those that are not finite."""
    return float("nan") if value is None else value
