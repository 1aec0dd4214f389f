"""Reports on their short way: they are answered as the route would, and counted as its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_clients import answered, api, logged_in, server_of, with_token
from tests.support.remote_jobs import submitted
from tuner.service.access.roles import Role
from tuner.service.api.report_path import ReportPath
from tuner.service.server_options import ServerOptions

EPOCHS = "/studies/far/trials/0/epochs"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A client that has trial 0 of a remote study."""
    submitted(tmp_path)
    with logged_in(ServerOptions(storage=f"sqlite:///{tmp_path}/studies.db")) as client:
        assert answered(client.post(api("/studies/far/ask"), json={"worker": "one"}))["number"] == 0
        yield client


def body(epoch: int, **more: Any) -> dict[str, Any]:
    return {"attempt": 1, "epochs": [{"epoch": epoch, "metrics": {"error": 0.5}}], **more}


def without_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReportPath, "__call__", lambda self, scope, receive, send: self._app(scope, receive, send))


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        (EPOCHS, body(1), 200),
        (EPOCHS, body(1, attempt=2), 409),
        (EPOCHS, body(1, more=1), 422),
        (EPOCHS, {"attempt": 1, "epochs": [{"epoch": 1, "metrics": {"other": 0.5}}]}, 422),
        ("/studies/gone/trials/0/epochs", body(1), 404),
        ("/studies/far/trials/7/epochs", body(1), 404),
        ("/studies/far/trials/99999999999/epochs", body(1), 422),
        ("/studies/far/trials/one/epochs", body(1), 422),
    ],
    ids=["plain", "attempt", "field", "metric", "study", "trial", "large", "word"],
)
def test_an_answer_is_that_of_the_route(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, sent: dict[str, Any], status: int
) -> None:
    short = client.post(api(path), json=sent)
    without_the_short_way(monkeypatch)
    routed = client.post(api(path), json=sent)

    assert (short.status_code, short.json()) == (routed.status_code, routed.json())
    assert short.status_code == status
    assert dict(short.headers) == dict(routed.headers)


def test_a_viewer_may_not_report(client: TestClient, tmp_path: Path) -> None:
    viewer = with_token(f"sqlite:///{tmp_path}/studies.db", "vic", Role.VIEWER)

    refused = answered(client.post(api(EPOCHS), json=body(1), headers=viewer), 403)

    assert refused["detail"] == "vic is a viewer; this needs the role member"


def test_the_figures_count_it_at_its_route(client: TestClient) -> None:
    client.post(api(EPOCHS), json=body(1))

    figures = server_of(client).telemetry.page().decode()

    labels = 'method="POST",route="/studies/{name}/trials/{number}/epochs",status="200"'
    assert f"tuner_http_request_seconds_count{{{labels}}} 1.0\n" in figures
