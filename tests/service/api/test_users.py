"""Users and their tokens over HTTP."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.api_clients import bearer, serve_here, with_token
from tuner.service.access.roles import Role
from tuner.service.server_options import ServerOptions

DAY = datetime.timedelta(days=1)


@pytest.fixture
def admin(url: str) -> dict[str, str]:
    return with_token(url, "ann", Role.ADMIN)


@pytest.fixture
def client(url: str, admin: dict[str, str]) -> Iterator[TestClient]:
    with serve_here(ServerOptions(storage=url)) as client:
        yield client


def add(client: TestClient, admin: dict[str, str], name: str = "bob", **more: Any) -> dict[str, str]:
    answer = client.post("/api/v1/users", json={"name": name, "role": "member", **more}, headers=admin)
    assert answer.status_code == 201, answer.text
    return bearer(answer.json()["token"])


def test_an_admin_adds_changes_and_removes_a_user(client: TestClient, admin: dict[str, str]) -> None:
    bob = add(client, admin)
    assert client.get("/api/v1/me", headers=bob).json()["role"] == "member"

    changed = client.patch("/api/v1/users/bob", json={"role": "viewer"}, headers=admin)
    assert changed.json()["role"] == client.get("/api/v1/me", headers=bob).json()["role"] == "viewer"

    hook = {"url": "http://hooks.example.com/bob"}
    client.patch("/api/v1/users/bob", json={"role": "member"}, headers=admin)
    assert client.post("/api/v1/webhooks", json=hook, headers=bob).status_code == 201
    assert client.delete("/api/v1/users/bob", headers=admin).status_code == 204
    assert client.get("/api/v1/me", headers=bob).status_code == 401
    assert [each["name"] for each in client.get("/api/v1/users", headers=admin).json()["items"]] == ["ann"]
    assert client.delete("/api/v1/users/bob", headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "ann", "role": "member"}, 409),
        ({"name": "local", "role": "member"}, 422),
        ({"name": "tuner", "role": "member"}, 422),
        ({"name": "a/b", "role": "member"}, 422),
        ({"name": "bob", "role": "king"}, 422),
        ({"name": "bob", "role": "member", "expires": "soon"}, 422),
        ({"name": "bob", "role": "member", "expires": "99999999d"}, 422),
    ],
    ids=lambda value: "" if isinstance(value, int) else "-".join(map(str, value.values())),
)
def test_a_user_that_cannot_be_added_is_refused(
    client: TestClient, admin: dict[str, str], body: dict[str, str], status: int
) -> None:
    assert client.post("/api/v1/users", json=body, headers=admin).status_code == status
    assert len(client.get("/api/v1/users", headers=admin).json()["items"]) == 1


def test_no_admin_can_lock_themselves_out(client: TestClient, admin: dict[str, str]) -> None:
    assert client.patch("/api/v1/users/ann", json={"role": "viewer"}, headers=admin).status_code == 409
    assert client.delete("/api/v1/users/ann", headers=admin).status_code == 409


def test_users_make_and_revoke_their_own_tokens_only(client: TestClient, admin: dict[str, str]) -> None:
    bob, carla = add(client, admin), add(client, admin, "carla")

    made = client.post("/api/v1/users/bob/tokens", json={"label": "laptop", "expires": "90d"}, headers=bob).json()
    assert client.get("/api/v1/me", headers=bearer(made["token"])).json()["name"] == "bob"
    listed = client.get("/api/v1/users/bob/tokens", headers=bob).json()["items"]
    assert [(each["label"], each["expires"] is None) for each in listed] == [("first", True), ("laptop", False)]
    assert "token" not in listed[1]

    path = f"/api/v1/users/bob/tokens/{made['id']}"
    assert client.delete(path, headers=carla).status_code == 403
    assert client.delete(path.replace("bob", "carla"), headers=carla).status_code == 404
    assert client.get("/api/v1/users/bob/tokens", headers=carla).status_code == 403
    assert client.post("/api/v1/users/bob/tokens", json={}, headers=carla).status_code == 403
    assert client.delete(path, headers=bob).status_code == 204
    assert client.get("/api/v1/me", headers=bearer(made["token"])).status_code == 401
    assert client.get("/api/v1/users/bob/tokens", headers=admin).status_code == 200


def test_a_token_that_ends_makes_none_that_outlives_it(client: TestClient, admin: dict[str, str]) -> None:
    bob = add(client, admin, expires="1h")
    ends = client.get("/api/v1/me", headers=bob).json()["expires"]

    for wanted in (None, "90d"):
        made = client.post("/api/v1/users/bob/tokens", json={"expires": wanted}, headers=bob).json()
        assert made["expires"] == ends


def test_a_token_that_is_made_on_the_page_outlives_the_login(client: TestClient, admin: dict[str, str]) -> None:
    bob = add(client, admin)
    csrf = client.post("/api/v1/sessions", json={"token": bob["Authorization"].removeprefix("Bearer ")}).json()["csrf"]
    page = {"X-CSRF-Token": csrf}

    endless = client.post("/api/v1/users/bob/tokens", json={}, headers=page).json()
    year = client.post("/api/v1/users/bob/tokens", json={"expires": "365d"}, headers=page).json()
    assert client.delete("/api/v1/sessions/current", headers=page).status_code == 204

    assert endless["expires"] is None
    assert datetime.datetime.fromisoformat(year["expires"]) > datetime.datetime.now(datetime.UTC) + 364 * DAY
    assert client.get("/api/v1/me", headers=bearer(endless["token"])).status_code == 200


def test_who_logs_out_has_no_cookie_left(client: TestClient, admin: dict[str, str]) -> None:
    token = admin["Authorization"].removeprefix("Bearer ")
    csrf = client.post("/api/v1/sessions", json={"token": token}).json()["csrf"]
    cookies = dict(client.cookies)

    assert client.delete("/api/v1/sessions/current", headers={"X-CSRF-Token": csrf}).status_code == 204

    assert not client.cookies
    client.cookies.update(cookies)
    assert client.get("/api/v1/me").status_code == 401
