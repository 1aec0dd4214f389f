from __future__ import annotations

import time

import pytest

from tuner.protocol import WorkerState
from tuner.service.remote import attendance
from tuner.service.remote.attendance import Attendance


def test_a_worker_is_told_once_until_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, WorkerState, str]] = []
    workers = Attendance(lambda *event: told.append(event))

    for worker in ("a", "b", "a"):
        workers.asks(worker)
    workers.miss(set())
    monkeypatch.setattr(attendance, "ABSENT_SECONDS", -1.0)
    workers.miss({"b"})
    workers.leaves("b", "silent")
    workers.asks("b")

    assert told == [
        ("a", WorkerState.READY, ""),
        ("b", WorkerState.READY, ""),
        ("a", WorkerState.GONE, ""),
        ("b", WorkerState.GONE, "silent"),
        ("b", WorkerState.READY, ""),
    ]


def test_a_worker_that_trains_for_long_has_time_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, WorkerState, str]] = []
    workers = Attendance(lambda *event: told.append(event))
    monkeypatch.setattr(attendance, "ABSENT_SECONDS", 0.5)

    workers.asks("a")
    time.sleep(0.6)
    workers.miss({"a"})
    workers.miss(set())
    workers.asks("a")

    assert told == [("a", WorkerState.READY, "")]
