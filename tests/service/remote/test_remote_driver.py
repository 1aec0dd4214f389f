"""Remote studies of a server: what it does for those that nobody asks, and how long a call waits."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.conftest import until
from tests.support.api_clients import answered, api, job_of, logged_in, server_of
from tests.support.remote_jobs import REMOTE, ask, database_in, epoch, submitted
from tuner.errors import StorageError
from tuner.protocol import State
from tuner.service.api import remote
from tuner.service.database import Database
from tuner.service.queue.job_record import JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote import remote_driver, study_thread
from tuner.service.remote.remote_driver import RemoteStudies
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.remote.remote_opening import opened_study
from tuner.service.server_options import ServerOptions
from tuner.storage import Sole, open_storage
from tuner.study import Unfinished, load_study
from tuner.study.interventions import stop_runs

SOON = 60.0
"""Seconds for what a server does by itself, on a busy machine."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_driver, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(study_thread, "TICK_SECONDS", 0.1)


@contextlib.contextmanager
def served(folder: Path) -> Iterator[TestClient]:
    with logged_in(ServerOptions(storage=f"sqlite:///{folder}/studies.db")) as client:
        yield client


def died_with_a_trial(folder: Path, job: JobRecord) -> None:
    """A server that gave trial 0 to a worker, and died."""
    with opened_study(job, database_in(folder)) as (study, _):
        ask(study)
        study.report(0, 1, [epoch(1, 0.5)])
        study.flush()


def states(folder: Path) -> list[str]:
    study = load_study(open_storage(f"sqlite:///{folder}/studies.db"), "far")
    return [record.state.value for record in study.records()]


def studies_of(client: TestClient) -> RemoteStudies:
    remote = server_of(client).remote
    assert isinstance(remote, RemoteStudies)
    return remote


def state_of(client: TestClient) -> JobState:
    return job_of(client, "far").state


@pytest.mark.parametrize("over", [JobState.SUSPENDED, JobState.CANCELLED], ids=lambda state: state.value)
def test_trials_of_a_study_that_is_over_wait_when_their_server_has_died(tmp_path: Path, over: JobState) -> None:
    job = submitted(tmp_path)
    died_with_a_trial(tmp_path, job)
    database = Database(f"sqlite:///{tmp_path}/studies.db")
    Jobs(database).move(job.id, over)
    assert states(tmp_path) == ["running"]

    with served(tmp_path) as client:
        until(lambda: states(tmp_path) == ["waiting"] and not studies_with_leases(database), SOON)
        late = client.post(api("/studies/far/trials/0/epochs"), json=told(2))
        given_back = client.post(api("/studies/far/trials/0/release"), json={"attempt": 1})

    assert answered(late) == {"verdict": "suspend"}
    assert answered(given_back)["state"] == "waiting"
    record = load_study(open_storage(database.url), "far").records()[0]
    assert (record.state, record.attributes.losses) == (Unfinished.WAITING, None)


def test_a_lease_that_expires_costs_a_suspended_study_no_attempt(tmp_path: Path) -> None:
    job = submitted(tmp_path, REMOTE.replace("trials: 4", "trials: 4, retries: 0"))
    with opened_study(job, database_in(tmp_path)) as (study, _):
        ask(study, lease_seconds=1)
        suspended = Jobs(database_in(tmp_path)).move(job.id, JobState.SUSPENDED)
        assert suspended is not None
        study.follow(suspended)
        study.leases.get(0).called -= 2  # type: ignore[union-attr]  # it is held
        study.expire()

    assert states(tmp_path) == ["waiting"]


def test_a_checkpoint_that_is_too_large_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "CHECKPOINT_BYTES", 2**20)
    submitted(tmp_path)
    address = api("/studies/far/trials/0/checkpoint?attempt=1")
    with served(tmp_path) as client:
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))

        refused = client.put(address, content=b"x" * (2**20 + 1))
        nothing = client.get(address)
        kept = client.put(address, content=b"x" * 2**20)
        there = [file.name for file in tmp_path.rglob("*.pt*")]

        assert (refused.status_code, nothing.status_code, kept.status_code) == (413, 404, 204)
        assert "the checkpoint has more than 1 MiB" in refused.json()["detail"]
        assert there == ["0.pt"]
        assert client.get(address).content == b"x" * 2**20


def told(number: int) -> dict[str, object]:
    return {"attempt": 1, "epochs": [{"epoch": number, "metrics": {"error": 0.5}, "seconds": 1}]}


def test_a_study_that_nobody_asks_ends_with_its_timeout(tmp_path: Path) -> None:
    submitted(tmp_path, REMOTE.replace("trials: 4", "trials: 4, timeout: 1s"))

    with served(tmp_path) as client:
        until(lambda: state_of(client) is JobState.DONE, SOON)

        assert job_of(client, "far").reason == "has used up search.timeout"
        assert client.post(api("/studies/far/ask"), json={"worker": "w"}).status_code == 410


def test_a_timeout_that_is_used_up_while_there_is_no_server_ends_the_study_at_the_next_start(tmp_path: Path) -> None:
    job = submitted(tmp_path, REMOTE.replace("trials: 4", "trials: 4, timeout: 60s"))
    Jobs(database_in(tmp_path)).move(job.id, JobState.RUNNING, started_at=time.time() - 61)

    with served(tmp_path) as client:
        until(lambda: state_of(client) is JobState.DONE, SOON)


def test_a_study_that_gets_less_time_ends_although_nobody_asks(tmp_path: Path) -> None:
    submitted(tmp_path, REMOTE.replace("trials: 4", "trials: 4, timeout: 1h"))

    with served(tmp_path) as client:
        until(lambda: state_of(client) is JobState.RUNNING, SOON)
        answered(client.patch(api("/studies/far"), json={"timeout": 1}))

        until(lambda: state_of(client) is JobState.DONE, SOON)


def test_a_study_that_is_resumed_has_its_whole_timeout_again(tmp_path: Path) -> None:
    job = submitted(tmp_path, REMOTE.replace("trials: 4", "trials: 4, timeout: 60s"))
    jobs = Jobs(database_in(tmp_path))
    jobs.move(job.id, JobState.SUSPENDED, started_at=time.time() - 61)

    with served(tmp_path) as client:
        server_of(client).runner.stop()  # so that it is not started before a worker asks
        answered(client.post(api("/studies/far/resume")))
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))
        jobs.move(job.id, JobState.RUNNING, started_at=time.time())
        time.sleep(0.5)  # several looks

        assert state_of(client) is JobState.RUNNING


def test_a_study_that_is_stopped_from_a_terminal_rests_and_has_no_end(tmp_path: Path) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))
        stop_runs(f"sqlite:///{tmp_path}/studies.db", "far")
        answered(client.post(api("/studies/far/trials/0/release"), json={"attempt": 1}))
        until(lambda: state_of(client) is JobState.SUSPENDED, SOON)

        assert job_of(client, "far").ended_at is None


def test_a_worker_of_a_suspended_study_waits_and_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        answered(client.post(api("/studies/far/suspend")))
        waits = client.post(api("/studies/far/ask"), json={"worker": "w"})
        answered(client.post(api("/studies/far/resume")))

        assert answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))["number"] == 0

    assert (waits.status_code, waits.headers["retry-after"]) == (204, "10")


def test_the_threads_of_studies_that_are_over_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_driver, "IDLE_SECONDS", 0.1)
    with served(tmp_path) as client:
        for number in range(3):
            assert client.post(api(f"/studies/none{number}/ask"), json={"worker": "w"}).status_code == 404

        until(lambda: not studies_of(client)._threads, SOON)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_the_server_is_no_conflict_of_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(tmp_path)

    def faulty(job: JobRecord, database: Database) -> None:
        raise ZeroDivisionError("of this program")

    monkeypatch.setattr(study_thread, "opened_study", faulty)
    with served(tmp_path) as client:
        answer = client.post(api("/studies/far/trials/0/epochs"), json=told(1))

    assert "the server has a fault: ZeroDivisionError" in answered(answer, 500)["detail"]


def test_a_call_waits_no_longer_than_its_patience_for_a_study_that_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(tmp_path)
    monkeypatch.setattr(study_thread, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(remote_driver, "PATIENCE_SECONDS", 0.5)
    closing, over = threading.Event(), threading.Event()

    real = opened_study

    @contextlib.contextmanager
    def slow(job: JobRecord, database: Database) -> Iterator[object]:
        with real(job, database) as opened:
            yield opened
        closing.set()
        over.wait(SOON)

    monkeypatch.setattr(study_thread, "opened_study", slow)
    with served(tmp_path) as client:
        client.post(api("/studies/far/trials/0/epochs"), json=told(1))
        assert closing.wait(SOON)

        answer = client.post(api("/studies/far/ask"), json={"worker": "w"})

        over.set()
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


def test_a_worker_repeats_what_the_database_has_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(tmp_path)
    losing = threading.Event()
    real = Sole.batch

    @contextlib.contextmanager
    def lost_once(self: Sole, engine: Engine) -> Iterator[None]:
        with real(self, engine):
            yield
            if losing.is_set():
                losing.clear()
                raise StorageError("the disk of the database is full: free some space on it")

    monkeypatch.setattr(Sole, "batch", lost_once)
    with served(tmp_path) as client:
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))
        losing.set()
        lost = client.post(api("/studies/far/trials/0/epochs"), json=told(1))
        repeated = answered(client.post(api("/studies/far/trials/0/epochs"), json=told(1)))
        ended = answered(client.post(api("/studies/far/trials/0/complete"), json={"attempt": 1}))

    assert (lost.status_code, lost.headers["retry-after"]) == (503, "5")
    assert (repeated, ended["state"]) == ({"verdict": "go"}, "complete")
    (record,) = load_study(open_storage(f"sqlite:///{tmp_path}/studies.db"), "far").records()
    assert (record.state, list(record.epochs)) == (State.COMPLETE, [1])
    events = [line for file in tmp_path.rglob("events.jsonl") for line in file.read_text().splitlines()]
    assert sum('"reported"' in line for line in events) == 1


def test_workers_are_refused_while_another_server_serves_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))
        with monkeypatch.context() as patched:
            patched.setattr(Database, "is_kept", False)
            refused = answered(client.post(api("/studies/far/trials/0/epochs"), json=told(1)), 503)
            until(lambda: not studies_of(client)._threads["far"].is_alive(), SOON)

        again = answered(client.post(api("/studies/far/trials/0/epochs"), json=told(1)))

    assert refused["detail"] == "another server serves the database; ask that one"
    assert again == {"verdict": "go"}
