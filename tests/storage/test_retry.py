from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy.exc import OperationalError

from tuner.errors import StorageError
from tuner.storage import retry
from tuner.storage.retry import OutOfPatience, Patience
from tuner.storage.transient_errors import FULL, Unavailable


def failing(times: int, error: Exception = Unavailable(FULL)) -> Callable[[], str]:  # noqa: B008 it is only raised
    """Something that succeeds after so many failures."""
    left = [error] * times

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    return work


def test_a_short_outage_is_told_of_once_and_its_end_too() -> None:
    told: list[str] = []

    done = Patience(told.append).outlast(failing(2))

    assert done == "done"
    assert told == [
        "the disk of the database is full: waiting for it, up to 60 s more",
        "the database can be used again: going on",
    ]


def test_a_long_one_is_told_of_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "REMIND_SECONDS", 0.4)
    told: list[str] = []

    Patience(told.append).outlast(failing(3))

    assert [message.split(":")[0] for message in told[:3]] == ["the disk of the database is full"] * 3


def test_patience_has_an_end_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 1.5)

    with pytest.raises(StorageError) as caught:
        Patience().outlast(failing(99))

    assert str(caught.value).startswith("the disk of the database is full, for 2 s by now: free some space on it; ")


def test_after_its_end_nothing_more_is_waited_for_until_something_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.5)
    waiting = Patience()
    with pytest.raises(OutOfPatience):
        waiting.outlast(failing(99))

    began = time.monotonic()
    with pytest.raises(OutOfPatience):
        waiting.outlast(failing(1))
    waited = time.monotonic() - began

    assert waited < 0.1
    assert waiting.outlast(failing(0)) == waiting.outlast(failing(1)) == "done"


def test_parts_that_succeed_do_not_lengthen_the_patience_with_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 1.0)
    waiting, whole = Patience(), failing(99)

    with pytest.raises(OutOfPatience):
        waiting.outlast(lambda: (waiting.outlast(failing(0)), whole()))


def test_a_signal_ends_the_wait() -> None:
    waiting = Patience()
    threading.Timer(0.3, waiting.hurry).start()

    began = time.monotonic()
    with pytest.raises(OutOfPatience):
        waiting.outlast(failing(99))

    assert time.monotonic() - began < 2


def test_an_error_that_does_not_pass_is_not_waited_for() -> None:
    error = OperationalError("SELECT", {}, sqlite3.OperationalError("no such table: facts"))
    with pytest.raises(OperationalError):
        Patience().outlast(failing(1, error))
