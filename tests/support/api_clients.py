"""A server in the test's own process, and clients of it that are logged in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from tuner.service.access import LOCAL, Principal
from tuner.service.app import create_app
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions


@contextlib.contextmanager
def logged_in(options: ServerOptions, user: Principal = LOCAL) -> Iterator[TestClient]:
    """Yield a client of a server in this process, as a user."""
    app = create_app(options)

    async def with_user(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["principal"] = user
        await app(scope, receive, send)

    with TestClient(with_user, base_url="http://127.0.0.1:8000") as client:
        client.server = app.state.server  # type: ignore[attr-defined]
        yield client


def server_of(client: TestClient) -> Server:
    """The parts of a client's server."""
    server: Server = client.server  # type: ignore[attr-defined]
    return server


def api(path: str) -> str:
    """The address of a route."""
    return f"/api/v1{path}"


def answered(response: Any, status: int = 200) -> Any:
    """The JSON of an answer, which has this status."""
    assert response.status_code == status, response.text
    return response.json()
