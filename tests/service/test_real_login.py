"""Logins at a real server: the printed link, cookies, users who are added and revoked from another terminal."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.conftest import tuner_in, until
from tests.support.api_clients import bearer
from tests.support.servers import real_server


@pytest.mark.slow
def test_a_link_a_user_and_a_revoked_token(tmp_path: Path) -> None:
    with real_server(tmp_path) as server, httpx.Client(base_url=server.address, follow_redirects=True) as browser:
        assert browser.get("/api/v1/me").status_code == 401
        assert str(browser.get(server.link).url) == f"{server.address}/"
        assert browser.get("/api/v1/me").json()["name"] == "local"

        token = tuner_in(tmp_path, "users", "add", "ann", "--role", "admin").stdout.strip()
        until(lambda: browser.get("/api/v1/me").status_code == 401, 60)

        csrf = browser.post("/api/v1/sessions", json={"token": token}).json()["csrf"]
        assert browser.get("/api/v1/me").json()["name"] == "ann"
        assert browser.post("/api/v1/users", json={"name": "bob", "role": "viewer"}).status_code == 403
        added = browser.post("/api/v1/users", json={"name": "bob", "role": "viewer"}, headers={"X-CSRF-Token": csrf})
        assert added.status_code == 201

        tuner_in(tmp_path, "users", "revoke", token.split("_")[1])
        until(lambda: browser.get("/api/v1/me").status_code == 401, 60)
        assert browser.get("/api/v1/me", headers=bearer(token)).status_code == 401
        assert server.stop() == 0


def test_other_machines_are_not_served_without_users(tmp_path: Path) -> None:
    refused = tuner_in(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", "--cpus", "1", "--gpus", "0")

    assert refused.returncode == 1
    assert "tuner users add NAME --role admin" in refused.stderr
    assert "--ssl-certfile" in refused.stderr
