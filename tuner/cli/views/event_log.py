"""The log of a run: every event as one line of JSON, for other programs."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tuner.errors import UsageError
from tuner.protocol import Epoch, Outcome, Trial
from tuner.runtime.rounding import json_text
from tuner.search.events import (
    Ended,
    Event,
    Noted,
    Observer,
    Opened,
    Reported,
    SetBack,
    Started,
    Stopping,
    Trouble,
    WorkerSeen,
)


@contextlib.contextmanager
def log_to(file: str) -> Iterator[Observer]:
    """Open a file for an observer that adds each event to its end.

    Raises:
        UsageError: the file cannot be written.
    """
    path = Path(file)
    try:
        log = path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file}: cannot be written: {error.strerror}") from None
    workers: dict[int, str] = {}

    def see(event: Event) -> None:
        if isinstance(event, Started):
            workers[event.trial.number] = event.place.worker
        log.write(_line(event, workers) + "\n")
        log.flush()

    with log:
        yield see


def _line(event: Event, workers: Mapping[int, str]) -> str:
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    return json_text({"time": time, **_facts(event, workers)})


def _facts(event: Event, workers: Mapping[int, str]) -> dict[str, Any]:
    match event:
        case Opened():
            return {"event": "opened", "study": event.study, "finished": event.finished, "total": event.total}
        case Started(trial, place):
            where = {"host": place.host, "device": place.device, "threads": place.threads}
            return {"event": "started", **_which(trial.number, trial, workers), **where, "values": trial.values}
        case Reported(epoch, verdict):
            told = {"epoch": epoch.epoch, "metrics": epoch.metrics, "seconds": epoch.seconds}
            return {"event": "reported", **_which(epoch.trial, epoch, workers), **told, "verdict": verdict.value}
        case Ended(outcome, record, front):
            told = {"state": record.state.value, "values": record.values, "epoch": outcome.epoch, "cause": record.cause}
            told["best"] = any(each.number == outcome.trial for each in front)
            more = {"params": record.params, "violations": record.violations, "seconds": record.seconds}
            return {"event": "ended", **_which(outcome.trial, outcome, workers), **told, **more}
        case SetBack(outcome):
            told = {"state": outcome.state.value, "cause": outcome.cause}
            return {"event": "set back", **_which(outcome.trial, outcome, workers), **told}
        case Stopping(signal):
            return {"event": "stopping", "signal": signal}
        case WorkerSeen(worker, state, cause):
            return {"event": "worker", "worker": worker, "state": state.value, "cause": cause}
        case Noted(message):
            return {"event": "note", "message": message}
        case Trouble(message):
            return {"event": "trouble", "message": message}


def _which(number: int, told: Trial | Epoch | Outcome, workers: Mapping[int, str]) -> dict[str, Any]:
    return {"trial": number, "attempt": told.attempt, **({"worker": workers[number]} if number in workers else {})}
