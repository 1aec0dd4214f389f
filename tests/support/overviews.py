"""Overviews of studies that run, made up."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from tests.conftest import TINY
from tests.support.asking import opened
from tests.support.records import status_of
from tuner.results.progress import Overview, overview
from tuner.results.results import Results
from tuner.study import Record
from tuner.study.study import Snapshot
from tuner.study.trial_attributes import TrialAttributes

NOW = datetime.datetime.now()


TEN = TINY.replace("trials: 3", "trials: 10")


DRIVEN = {"": "process 1 on here"}


def seen(url: str, records: list[Record], drivers: Mapping[str, str] | None, text: str = TINY) -> Overview:
    return overview(Results(opened(url, text).study, Snapshot(records, [])), drivers, NOW)


def made(
    number: int, state: str, began: float, seconds: float, epochs: int = 2, attempt: int = 1, worker: str = "0"
) -> Record:
    """A trial that began so many seconds ago and has trained for so many."""
    start = NOW - datetime.timedelta(seconds=began)
    end = None if state == "running" else start + datetime.timedelta(seconds=seconds)
    history = {"accuracy": [0.5] * epochs, "seconds": [seconds / epochs] * epochs} if epochs else {}
    numbers = list(range(1, epochs + 1))
    params = {"model.hidden.length": 1, "model.hidden.0": 8, "optimizer": "Adam", "optimizer.Adam.lr": 0.01}
    facts = TrialAttributes(attempt=attempt, worker=worker, host="here", device="cpu")
    return Record(number, status_of(state), (), params, None, "", {}, {}, numbers, history, start, end, seconds, facts)
