"""What is old, and what belongs to deleted studies, is removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from fastapi.testclient import TestClient
from sqlalchemy import Table

from tests.conftest import TINY, until
from tests.support.api_clients import answered, api, job_of, logged_in, server_of, submit
from tests.support.asking import complete, opened
from tuner.runtime.files import unfinished_of
from tuner.service import deleted_files
from tuner.service.database import Database
from tuner.service.deleted_files import DeletedFiles
from tuner.service.queue.job_record import JobKind, JobRecord, Submission
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import Slots
from tuner.service.running.driver_command import model_folder
from tuner.service.server_options import ServerOptions
from tuner.service.service_tables import audit, cursors, deliveries, job_changes, summaries, uses
from tuner.service.submitted.submission_folder import submissions_in
from tuner.service.upkeep import AT_ONCE, DAY, Upkeep

FILE = {"own.py": "x = 1"}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path}/studies.db")
    made.upgrade()
    return made


def upkeep(database: Database, audit_days: int = 365) -> Upkeep:
    return Upkeep(database, DeletedFiles(database.home, Jobs(database)), audit_days)


def count(database: Database, table: Table) -> int:
    with database.begin() as connection:
        return int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one())


def add(database: Database, table: Table, *rows: dict[str, Any]) -> None:
    with database.begin() as connection:
        connection.execute(table.insert(), list(rows))


def ended(jobs: Jobs, study: str) -> JobRecord:
    job = jobs.submit(Submission(JobKind.RUN, study, "ann", Slots(1)))
    for state in (JobState.RUNNING, JobState.DONE):
        jobs.move(job.id, state)
    return job


def test_rows_are_kept_for_their_time_alone(database: Database) -> None:
    now = time.time()
    job = ended(Jobs(database), "s")
    use = {"job_id": job.id, "owner": "ann", "cpus": 1, "gpus": 0, "start": 0.0}
    add(database, uses, use | {"end": now - 15 * DAY}, use | {"end": None})
    entry = {"actor": "ann", "action": "POST /", "status": 200, "address": ""}
    add(database, audit, *(entry | {"at": now - days * DAY} for days in (9, 11)))
    message = {"job_id": job.id, "owner": "ann", "url": "http://x", "body": "", "tries": 1, "error": ""}
    add(database, deliveries, *(message | {"sent_at": now - days * DAY, "given_up_at": None} for days in (6, 8)))
    add(database, deliveries, message | {"given_up_at": now - 8 * DAY}, message | {"given_up_at": None})

    upkeep(database, audit_days=10).look()

    left = {table.name: count(database, table) for table in (uses, audit, deliveries, job_changes)}
    assert list(left.values()) == [2, 1, 2, 3], left  # the use of the job itself is a moment old

    add(database, audit, entry | {"at": 1.0})
    upkeep(database, audit_days=0).look()

    assert count(database, audit) == 2


def test_many_old_rows_go_in_small_transactions(database: Database) -> None:
    entry = {"at": 1.0, "actor": "ann", "action": "POST /", "status": 200, "address": ""}
    add(database, audit, *([entry] * (2 * AT_ONCE + 1)))
    largest = 0

    @sqlalchemy.event.listens_for(database.engine, "after_cursor_execute")
    def note(_: object, cursor: Any, statement: str, *__: object) -> None:
        nonlocal largest
        if statement.startswith("DELETE FROM service_audit"):
            largest = max(largest, cursor.rowcount)

    upkeep(database).look()

    assert (count(database, audit), largest) == (0, AT_ONCE)


def test_the_changes_of_a_deleted_study_go_and_its_number_is_not_used_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.service.upkeep.SPARED_SECONDS", -1.0)
    jobs = Jobs(database)
    kept, gone = ended(jobs, "kept"), ended(jobs, "gone")
    add(database, cursors, *({"name": f"events {job.id}", "position": 1} for job in (kept, gone)))
    last = jobs.last_change()
    jobs.forget("gone")

    upkeep(database).look()

    assert (len(jobs.changes(kept.id)), len(jobs.changes(gone.id)), count(database, cursors)) == (3, 0, 1)
    ended(jobs, "gone")
    assert [each.id for each in jobs.changes_after(last)] == [last + 1, last + 2, last + 3]


@pytest.fixture
def client(url: str) -> Iterator[TestClient]:
    with logged_in(ServerOptions(storage=url, capacity=Slots(4, 2))) as client:
        server_of(client).runner.stop()
        yield client


def test_a_deleted_study_leaves_no_files_and_takes_none_of_others(client: TestClient, url: str) -> None:
    for name in ("a", "b", "c"):
        submit(client, TINY, name=name, files={} if name == "c" else FILE)
    complete(opened(url, TINY.replace("name: tiny", "name: a")), 0.5)
    answered(client.get(api("/studies")))
    home, first, third = server_of(client).database.home, job_of(client, "a"), job_of(client, "c")
    for job in (first, third):
        (home / "jobs" / str(job.id)).mkdir(parents=True)

    for name in ("a", "c"):
        assert client.delete(api(f"/studies/{name}")).status_code == 204

    assert list((home / "jobs").iterdir()) == []
    assert [str(folder) for folder in submissions_in(home).iterdir()] == [job_of(client, "b").folder]
    assert [each.name for each in home.parent.iterdir() if each.name.startswith("a-")] == []
    assert count(Database(url), summaries) == 0

    assert client.delete(api("/studies/b")).status_code == 204

    assert list(submissions_in(home).iterdir()) == []


def test_the_next_start_removes_what_a_server_left_that_died(url: str) -> None:
    database = Database(url)
    database.upgrade()
    jobs = Jobs(database)
    submissions = submissions_in(database.home)
    old, new, unknown = submissions / ".new-old", submissions / ".new-new", submissions / "of another database"
    for folder in (old, new, unknown, submissions / "named", submissions / "gone"):
        folder.mkdir(parents=True)
    kept = jobs.submit(Submission(JobKind.RUN, "kept", "ann", Slots(1), folder=str(submissions / "named")))
    for name in ("named", "gone"):
        jobs.submit(Submission(JobKind.RUN, name, "ann", Slots(1), folder=str(submissions / name)))
        jobs.forget(name)
    numbers = [kept.id, kept.id + 1, kept.id + 2]
    for number in numbers:
        (database.home / "jobs" / str(number)).mkdir(parents=True)
    (ended := submissions / ".new-ended").symlink_to("nowhere")  # as if its check ended while the sweep looks
    DeletedFiles(database.home, jobs).sweep()
    ended.unlink()
    assert old.exists()
    assert len(list((database.home / "jobs").iterdir())) == 3  # they were deleted a moment ago

    long_ago = time.time() - 2 * deleted_files.SPARED_SECONDS
    os.utime(old, (long_ago, long_ago))
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE service_jobs SET deleted_at = 1 WHERE deleted_at IS NOT NULL"))
    with logged_in(ServerOptions(storage=url, capacity=Slots(0, 0))):
        until(lambda: not old.exists() and not (submissions / "gone").exists(), 60)

    assert sorted(each.name for each in submissions.iterdir()) == [".new-new", "named", "of another database"]
    assert [each.name for each in (database.home / "jobs").iterdir()] == [str(kept.id)]


def test_the_state_of_a_final_training_stays_as_long_as_it_may_go_on(database: Database) -> None:
    jobs = Jobs(database)
    files = {}
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED, JobState.FAILED, JobState.CANCELLED):
        job = jobs.submit(Submission(JobKind.TRAIN, "s", "ann", Slots(1)))
        jobs.move(job.id, state)
        files[state] = unfinished_of(model_folder(database.home, job.id))
        files[state].parent.mkdir(parents=True, exist_ok=True)
        files[state].touch()

    upkeep(database).look()

    kept = [state for state, file in files.items() if file.exists()]
    assert kept == [JobState.QUEUED, JobState.RUNNING, JobState.SUSPENDED]
