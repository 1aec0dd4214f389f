"""Remote studies in a process of their own: it starts with a call, may die at any time, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient

from tests.conftest import until
from tests.support.api_clients import ADDRESS, answered, api, bearer, server_of
from tests.support.remote_jobs import REMOTE, database_in, submitted
from tests.support.servers import real_server
from tuner.service.app import create_app
from tuner.service.database import Database
from tuner.service.remote import studies_process
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.server_options import ServerOptions
from tuner.storage import open_storage
from tuner.study import load_study

MODULE = "tuner.service.remote.studies_main"
SOON = 60.0


def of_studies(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes of remote studies that a server has, by default the one in this process."""
    found = []
    for process in (parent or psutil.Process()).children():
        with contextlib.suppress(psutil.Error):
            if MODULE in process.cmdline():
                found.append(process)
    return found


@contextlib.contextmanager
def served(folder: Path) -> Iterator[TestClient]:
    app = create_app(ServerOptions(storage=f"sqlite:///{folder}/studies.db"))
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as client:
        client.headers.update(bearer(server_of(client).authentication.open_link))
        yield client


def asked(client: TestClient) -> int:
    """Ask for a trial, and return its number."""
    number: int = answered(client.post(api("/studies/far/ask"), json={"worker": "w"}))["number"]
    return number


def reported(client: TestClient, epoch: int, error: float | None = 0.5) -> Any:
    """Report an epoch of trial 0."""
    epochs = [{"epoch": epoch, "metrics": {"error": error}, "seconds": 1}]
    return client.post(api("/studies/far/trials/0/epochs"), json={"attempt": 1, "epochs": epochs})


def test_it_starts_with_the_first_call_answers_as_the_server_would_and_ends_with_it(tmp_path: Path) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        assert of_studies() == []

        unknown = client.post(api("/studies/none/ask"), json={"worker": "w"})
        assert (asked(client), len(of_studies())) == (0, 1)
        repeated = [reported(client, 2), reported(client, 1)]
        checkpoint = client.put(api("/studies/far/trials/0/checkpoint?attempt=1"), content=b"state")
        kept = client.get(api("/studies/far/trials/0/checkpoint?attempt=1")).content
        ended = answered(client.post(api("/studies/far/trials/0/complete"), json={"attempt": 1}))
        assert asked(client) == 1

    assert (unknown.status_code, checkpoint.status_code, kept) == (404, 204, b"state")
    assert unknown.headers["content-type"] == "application/problem+json"
    assert [each.status_code for each in repeated] == [200, 422]
    assert ended["state"] == "complete"
    assert of_studies() == []
    assert studies_with_leases(database_in(tmp_path)) == ["far"]  # of trial 1, for the next server


def test_a_process_that_is_killed_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        asked(client)
        answered(reported(client, 1))
        (process,) = of_studies()
        process.kill()
        process.wait(SOON)

        until(lambda: reported(client, 2).status_code == 200, SOON)
        answered(client.post(api("/studies/far/trials/0/complete"), json={"attempt": 1}))

    (record,) = load_study(open_storage(f"sqlite:///{tmp_path}/studies.db"), "far").records()
    assert list(record.epochs) == [1, 2]


def test_calls_to_a_process_that_hangs_are_answered_and_it_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studies_process, "LOOK_SECONDS", 0.1)
    submitted(tmp_path)
    with served(tmp_path) as client:
        asked(client)
        (process,) = of_studies()
        process.suspend()
        with monkeypatch.context() as hasty:
            hasty.setattr(studies_process, "HUNG_SECONDS", 0.5)
            hung = reported(client, 1)

        assert (hung.status_code, hung.headers["retry-after"]) == (503, "2")
        assert answered(reported(client, 1)) == {"verdict": "go"}
        assert not process.is_running()


def test_it_ends_when_another_server_has_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submitted(tmp_path)
    with served(tmp_path) as client:
        asked(client)
        with monkeypatch.context() as lost:
            lost.setattr(Database, "is_kept", False)
            refused = reported(client, 1)
            until(lambda: of_studies() == [], SOON)

        assert answered(refused, 503)["detail"] == "another server serves the database; ask that one"
        assert answered(reported(client, 1)) == {"verdict": "go"}


def test_it_ends_when_nobody_calls_and_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies_process, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(studies_process, "KEPT_SECONDS", 0.5)
    submitted(tmp_path)
    with served(tmp_path) as client:
        asked(client)
        answered(reported(client, 1))
        assert len(of_studies()) == 1  # the lease of a worker keeps it
        answered(client.post(api("/studies/far/trials/0/complete"), json={"attempt": 1}))

        until(lambda: of_studies() == [], SOON)

        assert asked(client) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "stopped"])
def test_it_does_not_outlive_its_server(tmp_path: Path, number: signal.Signals) -> None:
    submitted(tmp_path, REMOTE)
    with real_server(tmp_path) as server, httpx.Client(base_url=server.address, headers=bearer(server.token)) as client:
        answered(client.post(api("/studies/far/ask"), json={"worker": "w"}, timeout=SOON))
        (process,) = of_studies(psutil.Process(server.process.pid))

        server.process.send_signal(number)
        server.process.wait(SOON)

        process.wait(SOON)
