"""The log of a run: every event as one line of JSON, for other programs to read."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tuner.driver import Ended, Event, Observer, Opened, Reported, SetBack, Started, Stopping, Trouble, WorkerSeen
from tuner.errors import UsageError


@contextlib.contextmanager
def logged(file: Path | None, observe: Observer) -> Iterator[Observer]:
    """An observer that writes what it sees behind the end of `file` and passes it on; None writes nothing.

    Raises:
        UsageError: the file cannot be written.
    """
    if file is None:
        yield observe
        return
    try:
        log = file.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log-file {file}: cannot be written: {error.strerror}") from None

    def see(event: Event) -> None:
        line = {"time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"), **_facts(event)}
        log.write(json.dumps(line) + "\n")
        log.flush()
        observe(event)

    with log:
        yield see


def _facts(event: Event) -> dict[str, Any]:
    match event:
        case Opened():
            return {"event": "opened", "study": event.study, "finished": event.finished, "total": event.total}
        case Started(trial, place):
            return {"event": "started", "trial": trial.number, "attempt": trial.attempt, "values": dict(trial.values)}
        case Reported(epoch, verdict):
            told = {"trial": epoch.trial, "epoch": epoch.epoch, "metrics": dict(epoch.metrics)}
            return {"event": "reported", **told, "seconds": epoch.seconds, "verdict": verdict.value}
        case Ended(outcome, record):
            told = {"trial": outcome.trial, "state": record.state, "values": record.values, "epoch": outcome.epoch}
            return {"event": "ended", **told, "cause": record.cause}
        case SetBack(outcome):
            told = {"trial": outcome.trial, "state": outcome.state.value, "cause": outcome.cause}
            return {"event": "set back", **told}
        case Stopping(signal):
            return {"event": "stopping", "signal": signal}
        case WorkerSeen(worker, state, cause):
            return {"event": "worker", "worker": worker, "state": state.value, "cause": cause}
        case Trouble(message):
            return {"event": "trouble", "message": message}
