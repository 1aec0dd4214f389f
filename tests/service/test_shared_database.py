"""A server on PostgreSQL: the database may be away for a while, and the server may be killed."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy

from tests.conftest import until
from tests.support.api_clients import answered, api, logged_in
from tests.support.postgres import Server, postgres, server
from tests.support.remote_jobs import REMOTE
from tests.support.servers import Queue, real_server, space_of
from tuner.api import status
from tuner.client import Client
from tuner.errors import StorageError, StudyError
from tuner.protocol import State
from tuner.service.database import Database
from tuner.service.queue.job_record import JobKind, Submission
from tuner.service.queue.lifecycle import JobState
from tuner.service.queue.slots import NO_SLOTS
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.running import drivers
from tuner.service.running.runner import Runner
from tuner.service.server_options import ServerOptions
from tuner.service.tenure import ServedByAnother
from tuner.storage import open_storage
from tuner.study import load_study

__all__ = ["postgres", "server"]

AWAY_SECONDS = 20.0
"""Longer than drivers and the queue need to notice it."""


END_LOCKS = """\
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database() AND pid != pg_backend_pid()
"""


def lose_lock(database: Database) -> None:
    """End the connection that holds the lock of the server, as a failover does."""
    with database.begin() as connection:
        assert len(connection.execute(sqlalchemy.text(END_LOCKS)).all()) == 1


def test_a_server_whose_connection_was_lost_takes_its_lock_again(postgres: str) -> None:
    database = Database(postgres)
    with database.served():
        kept = database.keep_serving()
        lose_lock(database)
        taken = database.keep_serving()

        assert (kept, taken) == (False, True)
        with pytest.raises(StorageError, match="another process serves it"), Database(postgres).served():
            pass
    with Database(postgres).served():
        pass


def test_a_server_that_another_has_followed_starts_nothing_until_that_one_ends(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers, "driver_command", lambda job, home, ray_address: ["/bin/sh", "-c", "exit 0"])
    monkeypatch.setattr("tuner.service.running.runner.PLAN_SECONDS", -1.0)
    database = Database(postgres)
    database.upgrade()
    queue = Queue(tmp_path, postgres)
    job = queue.submit("study", space_of())
    runner = Runner(ServerOptions(storage=postgres), database, queue.jobs)
    with database.served():
        lose_lock(database)
        with Database(postgres).served(), pytest.raises(ServedByAnother, match="stop that one first"):
            runner.tick()
        ready = [database.is_kept]
        assert queue.states() == {"study": "queued"}

        runner.tick()
        ready.append(database.is_kept)

    assert ready == [False, True]
    assert queue.jobs.get(job.id).state is JobState.STARTING


def test_a_remote_study_that_another_driver_took_over_is_opened_anew_and_its_workers_go_on(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.yaml").write_text(REMOTE)
    queue = Queue(tmp_path, postgres)
    queue.database.upgrade()
    queue.jobs.submit(Submission(JobKind.REMOTE, "far", "ann", NO_SLOTS, folder=str(tmp_path)))
    epoch = {"attempt": 1, "epochs": [{"epoch": 1, "metrics": {"error": 0.5}}]}
    with logged_in(ServerOptions(storage=postgres)) as client:
        first = answered(client.post(api("/studies/far/ask"), json={"worker": "v"}))
        with queue.database.begin() as connection:
            connection.execute(sqlalchemy.text("DELETE FROM tuner_leases"))  # as a driver does that finds it dead
        refused = client.post(api("/studies/far/ask"), json={"worker": "w"})
        until(lambda: client.post(api("/studies/far/ask"), json={"worker": "w"}).status_code == 200, 60)
        told = answered(client.post(api("/studies/far/trials/0/epochs"), json=epoch))

    assert refused.status_code == 503
    assert "had no connection to the database" in refused.json()["detail"]
    assert (first["number"], told) == (0, {"verdict": "go"})
    assert [record.attributes.attempt for record in load_study(open_storage(postgres), "far").records()] == [1, 1]


def states(queue: Queue) -> dict[str, str]:
    with contextlib.suppress(StorageError):  # connections of before the outage
        return queue.states()
    return {}


@pytest.mark.slow
def test_a_database_that_was_away_costs_no_trial_and_starts_nothing_twice(
    server: Server, postgres: str, tmp_path: Path
) -> None:
    queue = Queue(tmp_path, postgres)
    with real_server(tmp_path, "--storage", postgres) as serving:
        job = queue.submit("study", space_of(trials=8, seconds=0.5, epochs=4))
        until(
            lambda: status("study", storage=postgres).ended > 0 if states(queue) == {"study": "running"} else False, 90
        )

        server.stop()
        time.sleep(AWAY_SECONDS)
        server.start()

        until(lambda: states(queue) == {"study": "done"}, 180)
        assert queue.jobs.get(job.id).starts <= 1
        assert {str(state.value): count for state, count in status("study", storage=postgres).states.items()} == {
            "complete": 8
        }
        assert serving.stop() == 0
    assert "the queue waits: the database cannot be read or written" in serving.printed


def work(client: Client, failed: list[Exception]) -> None:
    """Train trials of the remote study until it has no more."""
    try:
        for trial in client.study("far").work():
            with trial:
                for epoch in range(len(trial.before) + 1, 6):
                    time.sleep(0.02)
                    trial.report(epoch, error=trial.config["rate"] / epoch)
    except Exception as error:
        failed.append(error)


@pytest.mark.slow
def test_a_server_on_postgresql_that_is_killed_costs_remote_workers_no_trial(postgres: str, tmp_path: Path) -> None:
    space = tmp_path / "far.yaml"
    space.write_text(REMOTE.replace("trials: 4", "trials: 60"))
    failed: list[Exception] = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(real_server(tmp_path, "--storage", postgres))
        again = ("--storage", postgres, "--port", str(urlsplit(server.address).port))
        client = stack.enter_context(Client(server.address, server.token))
        client.submit(space)
        workers = [threading.Thread(target=work, args=(client, failed)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for total in (20, 40):
            until(functools.partial(has_trials, postgres, total), 90)
            server.kill()
            server = stack.enter_context(real_server(tmp_path, *again))
        for worker in workers:
            worker.join(120)
        until(lambda: client.study("far").state.value == "done", 60)

    assert failed == []
    records = load_study(open_storage(postgres), "far").records()
    assert [record.state for record in records] == [State.COMPLETE] * 60
    assert {tuple(record.epochs) for record in records} == {(1, 2, 3, 4, 5)}
    assert studies_with_leases(Database(postgres)) == []


def has_trials(url: str, total: int) -> bool:
    with contextlib.suppress(StudyError):  # it begins with the first worker that asks
        return len(load_study(open_storage(url), "far").records()) >= total
    return False
