"""What every request passes before a route sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from tests.support.api_clients import bearer, serve_here, server_of, with_token
from tuner.service.access import guard
from tuner.service.access.body_limits import MEBI
from tuner.service.access.roles import Role
from tuner.service.access.throttle import FREE_FAILURES
from tuner.service.server_options import ServerOptions


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('guard')}/studies.db"


@pytest.fixture(scope="module")
def admin(address: str) -> dict[str, str]:
    return with_token(address, "ann", Role.ADMIN)


@pytest.fixture(scope="module")
def serving(address: str, admin: dict[str, str]) -> Iterator[TestClient]:
    with serve_here(ServerOptions(storage=address)) as client:
        yield client


@pytest.fixture
def client(serving: TestClient) -> TestClient:
    serving.cookies.clear()
    return serving


@pytest.fixture
def csrf(client: TestClient, admin: dict[str, str]) -> str:
    """Log in with a cookie."""
    token = admin["Authorization"].removeprefix("Bearer ")
    return str(client.post("/api/v1/sessions", json={"token": token}).json()["csrf"])


def add(client: TestClient, name: str, **headers: str) -> int:
    body = {"name": name, "role": "viewer"}
    return client.post(
        "/api/v1/users", json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
    ).status_code


def test_a_route_without_a_user_is_closed_whatever_it_declares(client: TestClient, admin: dict[str, str]) -> None:
    assert client.get("/api/v1/nothing").status_code == 401
    assert client.get("/api/v1/nothing", headers=admin).status_code == 404
    assert [client.get(path).status_code for path in ("/healthz", "/readyz", "/api/openapi.json")] == [200] * 3


def test_a_page_leads_to_the_login_and_back(client: TestClient) -> None:
    answer = client.get("/studies/a%20b?x=1&y=2", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/studies/a%20b%3Fx%3D1%26y%3D2")


@pytest.mark.parametrize("given", ["Basic YTpi", "Bearer", "Bearer x", "Bearer tuner_0123_" + "x" * 40])
def test_a_wrong_header_is_refused(client: TestClient, given: str) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": given})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_another_sites_name_for_this_machine_is_refused(client: TestClient, admin: dict[str, str]) -> None:
    answer = client.get("/api/v1/me", headers={**admin, "Host": "evil.example"})

    assert answer.status_code == 421
    assert "--origin" in answer.json()["detail"]


def test_a_cookie_alone_changes_nothing(client: TestClient, csrf: str) -> None:
    own, other = "http://127.0.0.1:8000", "https://evil.example"

    assert add(client, "bob") == 403
    assert add(client, "bob", X_CSRF_Token="x") == 403
    assert add(client, "bob", X_CSRF_Token=csrf, Origin=other) == 403
    assert add(client, "bob", X_CSRF_Token=csrf, Origin="null") == 403
    assert "bob" not in [each["name"] for each in client.get("/api/v1/users").json()["items"]]

    assert add(client, "bob", X_CSRF_Token=csrf, Origin=own) == 201


def test_a_form_carries_the_secret_in_a_field(client: TestClient, csrf: str) -> None:
    refused = client.post("/api/v1/users", data={"csrf": "x"})
    passed = client.post("/api/v1/users", data={"csrf": csrf})

    assert (refused.status_code, passed.status_code) == (403, 422)  # the route takes JSON: it saw the form


def test_another_site_cannot_log_people_in_as_somebody_else(client: TestClient, admin: dict[str, str]) -> None:
    token = admin["Authorization"].removeprefix("Bearer ")

    by_page = client.post("/api/v1/sessions", json={"token": token}, headers={"Origin": "https://evil.example"})
    by_link = client.get("/", params={"token": token}, headers={"Accept": "text/html"})

    assert by_page.status_code == 403
    assert by_link.headers["location"].startswith("/login")
    assert not client.cookies


def test_a_token_needs_no_csrf_and_may_come_from_anywhere(client: TestClient, admin: dict[str, str]) -> None:
    assert add(client, "carla", **admin, Origin="https://notebook.example") == 201


def test_the_cookie_and_the_headers_of_answers(client: TestClient, admin: dict[str, str]) -> None:
    token = admin["Authorization"].removeprefix("Bearer ")
    answer = client.post("/api/v1/sessions", json={"token": token})

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))
    assert "Secure" not in answer.headers["set-cookie"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"

    secure = client.post("https://127.0.0.1:8000/api/v1/sessions", json={"token": token})
    assert "Secure" in secure.headers["set-cookie"].split("; ")


def test_a_large_body_is_refused_by_its_length_and_while_it_streams(client: TestClient, admin: dict[str, str]) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * MEBI

    by_length = client.post("/api/v1/users", content=b" " * 2 * MEBI, headers=admin)
    for path in ("/api/v1/users", "/api/v1/studies/far/trials/0/epochs"):
        by_stream = client.post(path, content=parts(), headers={**admin, "Content-Type": "application/json"})
        assert by_stream.status_code == 413, path
        assert by_stream.json()["detail"].startswith("the request has more than 1 MiB")

    assert by_length.status_code == 413


def test_what_changes_something_is_in_the_audit_log(client: TestClient, admin: dict[str, str]) -> None:
    add(client, "dora", **admin)
    add(client, "dora", **admin)
    client.post("/api/v1/sessions", json={"token": "wrong"})
    client.get("/api/v1/users", headers=admin)

    found = client.get("/api/v1/audit", params={"limit": 3}, headers=admin).json()
    assert [(each["actor"], each["action"], each["status"]) for each in found["items"]] == [
        ("", "POST /api/v1/sessions", 401),
        ("ann", "POST /api/v1/users", 409),
        ("ann", "POST /api/v1/users", 201),
    ]

    older = client.get("/api/v1/audit", params={"cursor": found["next"], "actor": "ann"}, headers=admin).json()
    assert all(each["id"] < found["items"][-1]["id"] and each["actor"] == "ann" for each in older["items"])


def test_a_stream_ends_with_its_login(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    header = with_token(url, "ann", Role.ADMIN)
    monkeypatch.setattr(guard, "FRESH_SECONDS", 0)
    with serve_here(ServerOptions(storage=url)) as client:
        server, sent = server_of(client), []

        async def parts() -> AsyncIterator[str]:
            for number in range(100):
                if number == 2:
                    server.accounts.remove("ann")
                    server.authentication.refresh()
                sent.append(number)
                yield f"{number} "

        def stream() -> StreamingResponse:
            return StreamingResponse(parts())

        assert isinstance(client.app, FastAPI)
        client.app.add_api_route("/stream", stream)

        assert client.get("/stream", headers=header).text == "0 1 "
        assert sent == [0, 1, 2]


def test_too_many_wrong_tokens_are_answered_with_a_wait(url: str) -> None:
    with serve_here(ServerOptions(storage=url)) as client:
        for _ in range(FREE_FAILURES):
            assert client.get("/api/v1/me", headers=bearer("wrong")).status_code == 401

        answer = client.post("/api/v1/sessions", json={"token": "wrong"})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_the_printed_link_gives_a_cookie_and_leaves_the_token_out(url: str) -> None:
    with serve_here(ServerOptions(storage=url)) as client:
        link = str(server_of(client).authentication.open_link)
        assert client.get("/api/v1/me", headers=bearer(link)).json()["name"] == "local"

        answer = client.get("/studies", params={"token": link, "sort": "best value"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/studies?sort=best+value")
        me = client.get("/api/v1/me").json()
        assert (me["name"], me["role"]) == ("local", "admin")

        csrf = {"X-CSRF-Token": me["csrf"]}
        member = client.post("/api/v1/users", json={"name": "bob", "role": "member"}, headers=csrf)
        admin = client.post("/api/v1/users", json={"name": "ann", "role": "admin"}, headers=csrf)
        assert (member.status_code, admin.status_code) == (409, 201)

        assert client.get("/api/v1/me").status_code == 401
        assert client.get("/api/v1/me", headers=bearer(link)).status_code == 401
        assert client.get("/", params={"token": link}).status_code == 401
        assert client.get("/api/v1/me", headers=bearer(admin.json()["token"])).json()["name"] == "ann"
