"""A server in this process, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.support.api_clients import logged_in
from tuner.client import Client
from tuner.service.server_options import ServerOptions


@pytest.fixture(autouse=True)
def _no_logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the developer's own logins."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("TUNER_SERVER", "TUNER_TOKEN"):
        monkeypatch.delenv(name, raising=False)


class InProcess(httpx.BaseTransport):
    """Hands requests to a server in this process."""

    def __init__(self, browser: TestClient) -> None:
        self._browser = browser

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer."""
        content = request.read()
        given = {name: value for name, value in request.headers.items() if name != "authorization"}  # it is logged in
        answer = self._browser.request(request.method, str(request.url), headers=given, content=content)
        headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
        return httpx.Response(answer.status_code, headers=headers, content=answer.content, request=request)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """A client of a server of the database at `url`, whose user is local; nothing runs there."""
    with logged_in(ServerOptions(storage=url)) as browser:
        token = browser.headers["Authorization"].removeprefix("Bearer ")
        with Client("http://127.0.0.1:8000", token, transport=InProcess(browser), patience=1) as found:
            yield found
