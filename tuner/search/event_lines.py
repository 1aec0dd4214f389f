"""The lines of an event log: each event of a driver as one line of JSON, for other programs."""

from __future__ import annotations

import datetime
from typing import Any

from tuner.protocol import Epoch, Outcome, Trial
from tuner.runtime.rounding import json_text
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


class EventLines:
    """Turns the events of one driver into lines; it remembers which worker has which trial."""

    def __init__(self) -> None:
        self._workers: dict[int, str] = {}

    def of(self, event: Event) -> str:
        """Return the line of an event, without its end."""
        if isinstance(event, Started):
            self._workers[event.trial.number] = event.place.worker
        time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        return json_text({"time": time, **self._facts(event)})

    def _facts(self, event: Event) -> dict[str, Any]:
        match event:
            case Opened():
                return {"event": "opened", "study": event.study, "finished": event.finished, "total": event.total}
            case Started(trial, place):
                where = {"host": place.host, "device": place.device, "threads": place.threads}
                return {"event": "started", **self._which(trial.number, trial), **where, "values": trial.values}
            case Reported(epoch, verdict):
                told = {"epoch": epoch.epoch, "metrics": epoch.metrics, "seconds": epoch.seconds}
                return {"event": "reported", **self._which(epoch.trial, epoch), **told, "verdict": verdict.value}
            case Ended(outcome, record, front):
                told = {"state": record.state.value, "values": record.values, "epoch": outcome.epoch}
                told |= {"cause": record.cause, "best": any(each.number == outcome.trial for each in front)}
                more = {"params": record.params, "violations": record.violations, "seconds": record.seconds}
                return {"event": "ended", **self._which(outcome.trial, outcome), **told, **more}
            case SetBack(outcome):
                told = {"state": outcome.state.value, "cause": outcome.cause}
                return {"event": "set back", **self._which(outcome.trial, outcome), **told}
            case Stopping(signal):
                return {"event": "stopping", "signal": signal}
            case WorkerSeen(worker, state, cause):
                return {"event": "worker", "worker": worker, "state": state.value, "cause": cause}
            case Noted(message):
                return {"event": "note", "message": message}
            case Trouble(message):
                return {"event": "trouble", "message": message}

    def _which(self, number: int, told: Trial | Epoch | Outcome) -> dict[str, Any]:
        worker = self._workers.get(number)
        return {"trial": number, "attempt": told.attempt, **({} if worker is None else {"worker": worker})}
