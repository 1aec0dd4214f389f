"""What the runner does when the database is away, or the clock jumps: nothing starts twice, nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection

from tests.conftest import until
from tests.support.servers import Queue, space_of
from tuner.errors import StorageError
from tuner.service.database import Database
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running import drivers
from tuner.service.running.driver_process import Driver
from tuner.service.running.job_end import MOST_STARTS
from tuner.service.running.job_folder import JobFolder
from tuner.service.running.runner import Runner
from tuner.service.server_options import ServerOptions
from tuner.service.service_tables import uses
from tuner.storage.requests import Action, Requests

WAITS_FOR_A_FILE = "while [ ! -e {} ]; do sleep 0.05; done; echo once >> {}"


class ShakyDatabase(Database):
    """A database that is away from a transaction on, until it is back."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.left: float = float("inf")

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        self.left -= 1
        if self.left < 0:
            raise StorageError("the database cannot be reached")
        with super().begin() as connection:
            yield connection


@pytest.fixture
def database(tmp_path: Path) -> ShakyDatabase:
    made = ShakyDatabase(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


@pytest.fixture
def runner(database: ShakyDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner whose drivers end as soon as there is a file `end`, and that note it in `ended`."""
    script = WAITS_FOR_A_FILE.format(tmp_path / "end", tmp_path / "ended")

    def command(job: JobRecord, home: Path, ray_address: str | None) -> Sequence[str]:
        return ["/bin/sh", "-c", script]

    monkeypatch.setattr(drivers, "driver_command", command)
    monkeypatch.setattr("tuner.service.running.runner.PLAN_SECONDS", -1.0)
    return Runner(ServerOptions(storage=database.url), database, Jobs(database))


def ticks(runner: Runner, count: int = 3) -> None:
    for _ in range(count):
        with contextlib.suppress(StorageError):
            runner.tick()


def state_after_a_tick(runner: Runner, database: Database, number: int) -> JobState:
    ticks(runner, 1)
    return Jobs(database).get(number).state


@pytest.mark.parametrize("transactions", range(8))
def test_an_outage_at_any_moment_starts_nothing_twice(
    database: ShakyDatabase, runner: Runner, tmp_path: Path, transactions: int
) -> None:
    job = Queue(tmp_path).submit("study", space_of())
    database.left = transactions
    ticks(runner)
    database.left = float("inf")
    ticks(runner)

    running = Jobs(database).get(job.id)
    assert running.state is JobState.STARTING
    assert running.process is not None
    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(runner, database, job.id) is JobState.DONE, 60)

    assert (tmp_path / "ended").read_text() == "once\n"


def test_a_job_whose_folder_cannot_be_written_fails_alone(
    database: ShakyDatabase, runner: Runner, tmp_path: Path
) -> None:
    queue = Queue(tmp_path)
    first, second = queue.submit("first", space_of()), queue.submit("second", space_of(), owner="bob")
    runner = Runner(ServerOptions(storage=database.url, capacity=Slots(2, 0)), database, Jobs(database))
    (JobFolder.of(database.home, first.id).path / "begun.json").mkdir(parents=True)
    runner.tick()

    jobs = Jobs(database)
    failed = jobs.get(first.id)
    assert failed.state is JobState.FAILED
    assert "begun.json: is a folder" in failed.reason
    assert jobs.get(second.id).state is JobState.STARTING
    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(runner, database, second.id) is JobState.DONE, 60)


def test_a_job_waits_while_the_disk_is_full(
    database: ShakyDatabase, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Queue(tmp_path).submit("study", space_of())
    with monkeypatch.context() as full:
        full.setattr("tuner.runtime.files.os.fsync", _refuse)
        assert state_after_a_tick(runner, database, job.id) is JobState.QUEUED

    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(runner, database, job.id) is JobState.DONE, 60)


def _refuse(file: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_outage_just_after_the_lock_was_taken_again_costs_no_driver(
    database: ShakyDatabase, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Queue(tmp_path).submit("study", space_of())
    ticks(runner)
    process = Jobs(database).get(job.id).process
    again = Runner(ServerOptions(storage=database.url), database, Jobs(database))
    taken = iter([True])
    monkeypatch.setattr(database, "keep_serving", lambda: next(taken, False))
    database.left = 0
    ticks(again, 1)
    database.left = float("inf")
    ticks(again)

    found = Jobs(database).get(job.id)
    assert (found.state, found.starts, found.process) == (JobState.STARTING, 1, process)
    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(again, database, job.id) is JobState.DONE, 60)

    assert (tmp_path / "ended").read_text() == "once\n"


def test_a_search_whose_trials_are_to_run_again_at_its_very_end_goes_on(
    database: ShakyDatabase, runner: Runner, tmp_path: Path
) -> None:
    job = Queue(tmp_path).submit("study", space_of())
    Requests(database.url, "study").post(Action.RETRY_TRIAL, 0)
    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(runner, database, job.id) is JobState.DONE, 60)

    reasons = [change.reason for change in Jobs(database).changes(job.id)]
    assert reasons.count("is asked to run trials again") == MOST_STARTS - 1  # these drivers meet no request


@pytest.mark.parametrize("jump", [-1e8, 1e8], ids=["back", "ahead"])
def test_a_clock_that_jumps_starts_and_ends_nothing(
    database: ShakyDatabase, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    queue = Queue(tmp_path)
    first = queue.submit("first", space_of())
    ticks(runner)
    second = queue.submit("second", space_of(), owner="bob")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    ticks(runner)

    jobs = Jobs(database)
    assert [jobs.get(job.id).state for job in (first, second)] == [JobState.STARTING, JobState.QUEUED]
    assert runner.waits[second.id].sentence == "waits for 1 core; 1st in the queue; unknown how long"
    (tmp_path / "end").touch()
    until(lambda: state_after_a_tick(runner, database, second.id) is JobState.DONE, 60)

    assert [jobs.get(job.id).state for job in (first, second)] == [JobState.DONE, JobState.DONE]
    assert (tmp_path / "ended").read_text() == "once\nonce\n"


@pytest.mark.parametrize("is_server_seen", [True, False])
def test_the_time_in_which_a_machine_was_off_is_no_use_of_slots(
    database: ShakyDatabase, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_server_seen: bool
) -> None:
    job = Queue(tmp_path).submit("study", space_of())
    ticks(runner)
    process = Jobs(database).get(job.id).process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)
    os.waitpid(process.pid, 0)
    until(lambda: Driver.find(JobFolder.of(database.home, job.id), process) is None, 60)  # what the shell had begun
    alive, later = database.home / "alive", time.time() + 1e6
    if is_server_seen:
        os.utime(alive, (time.time() + 100, time.time() + 100))
    else:
        alive.unlink()
    monkeypatch.setattr(time, "time", lambda: later)

    jobs = Jobs(database)
    after = Runner(ServerOptions(storage=database.url), database, jobs)
    after.start()
    after.stop()

    with database.begin() as connection:
        first = connection.execute(sqlalchemy.select(uses).order_by(uses.c.id)).first()
    assert first is not None
    assert first.end - first.start == pytest.approx(100 if is_server_seen else 0, abs=20)
