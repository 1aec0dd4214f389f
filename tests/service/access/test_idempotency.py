"""The same key gives the first answer again; nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy
from fastapi.testclient import TestClient

from tests.support.api_clients import bearer, serve_here, server_of, with_token
from tests.support.clocks import Clock
from tuner.errors import StorageError
from tuner.service.access.accounts import Accounts
from tuner.service.access.answers import KEPT_SECONDS, REMOVED_EACH_SECONDS, Answers, Claim, Kept
from tuner.service.access.roles import Role
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.server_options import ServerOptions
from tuner.service.service_tables import answers


@pytest.fixture
def admin(url: str) -> dict[str, str]:
    header = with_token(url, "ann", Role.ADMIN)
    Accounts(Database(url)).add("bob", Role.MEMBER)
    return header


@pytest.fixture
def client(url: str, admin: dict[str, str]) -> Iterator[TestClient]:
    with serve_here(ServerOptions(storage=url)) as client:
        client.headers.update(admin)
        yield client


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


def remove_bob(client: TestClient, text: str = "1") -> int:
    return client.delete("/api/v1/users/bob", headers=key(text)).status_code


def test_a_repetition_gets_the_first_answer_also_from_the_next_server(url: str, admin: dict[str, str]) -> None:
    with serve_here(ServerOptions(storage=url)) as client:
        client.headers.update(admin)
        assert [remove_bob(client, text) for text in "1122"] == [204, 204, 404, 404]

    with serve_here(ServerOptions(storage=url)) as client:
        client.headers.update(admin)
        assert [remove_bob(client, text) for text in "13"] == [204, 404]


def test_a_key_belongs_to_one_request_of_one_user(client: TestClient, url: str) -> None:
    first = client.patch("/api/v1/users/bob", json={"role": "viewer"}, headers=key("1"))
    again = client.patch("/api/v1/users/bob", json={"role": "viewer"}, headers=key("1"))
    assert (first.status_code, again.json()) == (200, first.json())

    other_body = client.patch("/api/v1/users/bob", json={"role": "member"}, headers=key("1"))
    other_path = client.patch("/api/v1/users/ann", json={"role": "viewer"}, headers=key("1"))
    assert (other_body.status_code, other_path.status_code) == (422, 422)
    assert "use a new key" in other_body.json()["detail"]

    other_user = with_token(url, "carla", Role.ADMIN)
    theirs = client.patch("/api/v1/users/bob", json={"role": "member"}, headers={**other_user, **key("1")})
    assert (theirs.status_code, theirs.json()["role"]) == (200, "member")


def test_a_secret_is_neither_stored_nor_shown_twice(client: TestClient) -> None:
    made = client.post("/api/v1/users/bob/tokens", json={}, headers=key("1"))
    again = client.post("/api/v1/users/bob/tokens", json={}, headers=key("1"))

    assert (made.status_code, again.status_code) == (201, 409)
    assert len(client.get("/api/v1/users/bob/tokens").json()["items"]) == 1
    with server_of(client).database.begin() as connection:
        assert connection.execute(sqlalchemy.select(answers.c.body)).scalars().all() == [b""]
    assert client.get("/api/v1/me", headers=bearer(made.json()["token"])).status_code == 200


def test_a_key_that_is_too_long_and_a_body_that_is_too_large_are_refused(client: TestClient) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(3):
            yield b" " * 2**20

    assert remove_bob(client, "x" * 201) == 422
    answer = client.post("/api/v1/users", content=parts(), headers={**key("1"), "Content-Type": "application/json"})
    assert answer.status_code == 413


def test_a_request_that_is_still_being_answered_is_not_begun_again(client: TestClient) -> None:
    server, going_on, begun, statuses = server_of(client), threading.Event(), threading.Event(), list[int]()
    remove = server.accounts.remove

    def slowly(name: str) -> None:
        begun.set()
        assert going_on.wait(10)
        remove(name)

    object.__setattr__(server.accounts, "remove", slowly)
    first = threading.Thread(target=lambda: statuses.append(remove_bob(client)))
    first.start()
    assert begun.wait(10)

    answer = client.delete("/api/v1/users/bob", headers=key("1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")
    going_on.set()
    first.join()

    assert [*statuses, remove_bob(client)] == [204, 204]


@pytest.fixture
def database(url: str) -> Database:
    made = Database(url)
    made.upgrade()
    return made


CLAIM = Claim("ann", "1", "digest")


def test_what_a_dead_server_began_is_begun_again(database: Database) -> None:
    assert Answers(database).claim(CLAIM) is None

    assert Answers(database).claim(CLAIM) is None


def test_a_failure_leaves_the_key_free(database: Database) -> None:
    kept = Answers(database)
    kept.claim(CLAIM)
    kept.end(CLAIM)

    assert kept.claim(Claim("ann", "1", "another digest")) is None


def test_answers_are_removed_after_a_day(database: Database) -> None:
    clock = Clock(REMOVED_EACH_SECONDS)
    kept = Answers(database, clock)
    kept.claim(CLAIM)
    kept.keep(CLAIM, Kept(200, {}, b"1"))
    kept.end(CLAIM)

    clock.now += KEPT_SECONDS - 1
    assert kept.claim(CLAIM) == Kept(200, {}, b"1")

    clock.now += REMOVED_EACH_SECONDS
    assert kept.claim(CLAIM) is None


def test_a_form_can_be_repeated_although_its_boundary_is_another(client: TestClient) -> None:
    def check(text: str) -> str:
        form = {"space": ("space.yaml", text)}
        return str(client.post("/api/v1/check", files=form, headers=key("form")).json()["detail"])

    first = check("model: 1")

    assert "another request" not in first
    assert check("model: 1") == first
    assert "another request" in check("model: 2")


def test_what_was_done_in_an_outage_is_not_done_again(
    url: str, admin: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(url)
    kept, claim, answer = Answers(database), Claim("ann", "k", "r"), Kept(201, {}, b"job 7")
    assert kept.claim(claim) is None

    with monkeypatch.context() as outage:
        outage.setattr(Database, "begin", _away)
        kept.keep(claim, answer)
        with pytest.raises(StorageError):
            kept.end(claim)

    assert kept.claim(claim) == answer
    with pytest.raises(Refused, match="another request"):
        kept.claim(Claim("ann", "k", "another"))


def _away(database: Database) -> None:
    raise StorageError("the database is away")
