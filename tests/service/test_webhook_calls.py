"""Calls of webhooks, to real receivers."""

from __future__ import annotations

import functools
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.conftest import until
from tests.support.receivers import Receiver, receiver
from tuner.runtime.webhook import Reach
from tuner.service import notifications
from tuner.service.database import Database
from tuner.service.notifications import Notifications
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.service_tables import deliveries, webhooks


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(notifications, "SETTLED_SECONDS", 0.0)
    made = Database(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


@pytest.fixture
def kept() -> Iterator[Receiver]:
    with receiver() as kept:
        yield kept


def notifications_of(database: Database, jobs: Jobs) -> Notifications:
    return Notifications(database, jobs, lambda study: f"http://tuner.lab/studies/{study}", Reach.ANYWHERE)


def look(looking: Notifications) -> None:
    looking.tick()
    until(lambda: not looking.calls.calling)


def hook_of(database: Database, owner: str, url: str, on: list[str]) -> None:
    with database.begin() as connection:
        connection.execute(webhooks.insert(), {"owner": owner, "url": url, "events": on})


def rows(database: Database) -> list[Any]:
    with database.begin() as connection:
        return list(connection.execute(sqlalchemy.select(deliveries).order_by(deliveries.c.id)))


def failed(jobs: Jobs, names: Iterable[str]) -> None:
    for name in names:
        job = jobs.submit(Submission(JobKind.RUN, name, "ann", Slots(1)))
        jobs.move(job.id, JobState.FAILED, reason="no")


def hears(kept: Receiver, study: str) -> bool:
    return any(told["tuner"]["study"] == study for told in kept.told)


def test_a_receiver_that_does_not_answer_delays_no_other(database: Database, jobs: Jobs, kept: Receiver) -> None:
    looking = notifications_of(database, jobs)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        hook_of(database, "ann", slow, ["failed"])
        hook_of(database, "ann", kept.url, ["failed"])
        for name in ("first", "second"):
            failed(jobs, [name])
            looking.tick()
            until(functools.partial(hears, kept, name), 60)

        assert slow in looking.calls.calling
    looking.calls.close()


def test_a_receiver_gets_its_messages_one_by_one_in_their_order(database: Database, jobs: Jobs, kept: Receiver) -> None:
    names = [f"s{i}" for i in range(12)]
    hook_of(database, "ann", kept.url, ["failed"])
    failed(jobs, names)

    look(notifications_of(database, jobs))

    assert [told["tuner"]["study"] for told in kept.told] == names


def test_a_message_that_cannot_be_made_or_sent_stops_no_other(
    database: Database, jobs: Jobs, kept: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tuner.service.webhook_calls.FIRST_RETRY_SECONDS", 0.0)
    hook_of(database, "ann", "http://" + "x" * 70 + ".lab/", ["failed"])  # a label of a host has at most 63 characters
    hook_of(database, "ann", kept.url, ["failed"])
    looking = notifications_of(database, jobs)
    announced = Notifications._announcement

    def faulty(self: Notifications, job: JobRecord, *rest: Any) -> Any:
        if job.study == "spoilt":
            raise ZeroDivisionError("of this program")
        return announced(self, job, *rest)

    monkeypatch.setattr(Notifications, "_announcement", faulty)
    failed(jobs, ["spoilt", "sound"])
    for _ in range(2):
        look(looking)

    assert [told["tuner"]["study"] for told in kept.told] == ["sound"]
    assert [row.tries for row in rows(database) if "xxx" in row.url] == [2]
    assert "study spoilt: no webhook hears that it is failed" in caplog.text
    assert "ZeroDivisionError: of this program" in caplog.text
