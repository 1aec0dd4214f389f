"""A request arrives once, however often the network fails, and errors are those of the local functions."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from tests.support.fake_servers import Answer, Asked, FakeServer, Told, answering
from tuner.client.http_connection import Connection, path, place_of
from tuner.errors import AuthError, Place, ServerError, SpaceError, StudyError, TunerError, UnknownStudy, UsageError
from tuner.service.schemas import STUDY_ERROR

BUSY = Told(503, b'{"detail": "the database is away"}', {"Retry-After": "0"}, "application/problem+json")


def one_after_the_other(*answers: Told) -> Answer:
    left = iter(answers)
    return lambda asked: next(left)


def connected(server: FakeServer, patience: float = 5) -> Connection:
    return Connection(server.url, "secret", patience=patience)


def test_a_write_is_sent_again_with_the_same_key_when_its_connection_is_lost() -> None:
    with answering(one_after_the_other(Told(body=b"", cut=True), BUSY, Told(body=b'{"a": 1}'))) as server:
        answer = connected(server).post("/studies", {"name": "x"})

    keys = [asked.headers["Idempotency-Key"] for asked in server.asked]
    assert answer == {"a": 1}
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert [json.loads(asked.body) for asked in server.asked] == [{"name": "x"}] * 3


def test_two_writes_have_two_keys_and_reads_have_none() -> None:
    with answering(lambda asked: Told()) as server:
        connection = connected(server)
        connection.post("/a")
        connection.post("/a")
        connection.get("/a")

    first, second, read = server.asked
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert "Idempotency-Key" not in read.headers
    assert read.headers["Authorization"] == "Bearer secret"


def test_an_answer_that_is_cut_is_asked_for_again() -> None:
    with answering(one_after_the_other(Told(body=b'{"a"', cut=True), Told(body=b'{"a": 1}'))) as server:
        assert connected(server).get("/studies") == {"a": 1}


def test_a_busy_server_is_asked_again_after_the_time_that_it_names() -> None:
    busy = Told(429, headers={"Retry-After": "1"})
    with answering(one_after_the_other(busy, Told())) as server:
        began = time.monotonic()
        connected(server).get("/studies")

    assert time.monotonic() - began >= 1


def test_a_server_that_stays_away_is_an_error_within_the_patience() -> None:
    url = _closed()
    began = time.monotonic()

    with pytest.raises(ServerError, match=f"{url}: cannot be reached: .*; is the server running") as told:
        Connection(url, None, patience=0.5).get("/studies")

    assert time.monotonic() - began < 3
    assert told.value.status is None


def test_an_address_that_has_never_answered_is_not_waited_for_long() -> None:
    began = time.monotonic()

    with pytest.raises(ServerError, match="cannot be reached"):
        Connection(_closed(), None, patience=60).get("/studies")

    assert time.monotonic() - began < 5


def test_a_server_that_has_answered_is_waited_for_with_a_notice(caplog: pytest.LogCaptureFixture) -> None:
    with answering(lambda asked: BUSY) as server, pytest.raises(ServerError, match="the database is away"):
        connected(server, patience=2).get("/studies")

    assert [record.getMessage() for record in caplog.records if "waiting for the server" in record.getMessage()]


def _closed() -> str:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_a_server_that_stays_busy_is_an_error_with_its_reason() -> None:
    with answering(lambda asked: BUSY) as server, pytest.raises(ServerError, match="the database is away") as told:
        connected(server, patience=0.3).get("/studies")

    assert told.value.status == 503


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(401, AuthError, id="401"),
        pytest.param(403, AuthError, id="403"),
        pytest.param(404, UnknownStudy, id="404"),
        pytest.param(409, ServerError, id="409"),
        pytest.param(413, ServerError, id="413"),
        pytest.param(422, UsageError, id="422"),
        pytest.param(500, ServerError, id="500"),
    ],
)
def test_a_refusal_is_an_error_with_the_detail_of_the_server(status: int, kind: type[TunerError]) -> None:
    problem = Told(status, b'{"title": "t", "detail": "this is wrong"}', kind="application/problem+json")
    with answering(lambda asked: problem) as server, pytest.raises(TunerError, match=r"^this is wrong$") as told:
        connected(server).get("/studies")

    assert type(told.value) is kind
    assert len(server.asked) == 1


def test_a_conflict_with_the_state_of_a_study_is_the_error_of_local_use() -> None:
    body = json.dumps({"type": STUDY_ERROR, "detail": "study x has no complete trial yet"}).encode()
    problem = Told(409, body, kind="application/problem+json")
    with answering(lambda asked: problem) as server, pytest.raises(StudyError, match=r"^study x has no") as told:
        connected(server).get("/studies")

    assert told.value.exit_code == 2


def test_the_faults_of_a_space_are_a_space_error_with_their_places() -> None:
    faults = [
        {"line": 3, "column": 5, "path": "model.type", "message": "there is no MLQ"},
        {"line": None, "column": None, "path": "search.trials", "message": "must be above 0"},
    ]
    body = json.dumps({"detail": "The space has faults.", "faults": faults}).encode()
    with (
        answering(lambda asked: Told(422, body, kind="application/problem+json")) as server,
        pytest.raises(SpaceError) as told,
    ):
        connected(server).request("POST", "/studies", name="cnn.yaml")

    assert str(told.value).splitlines() == [
        "given beside cnn.yaml: search.trials: must be above 0",
        "cnn.yaml:3:5: model.type: there is no MLQ",
    ]
    assert told.value.faults[1].place == Place(3, 5)


def test_an_answer_of_a_proxy_is_an_error_too() -> None:
    with (
        answering(lambda asked: Told(500, b"<html>", kind="text/html")) as server,
        pytest.raises(ServerError, match="Internal Server Error"),
    ):
        connected(server).get("/studies")


def test_a_list_is_read_page_by_page() -> None:
    def answer(asked: Asked) -> Told:
        last = "cursor=b" in asked.path
        return Told(body=json.dumps({"items": [2] if last else [0, 1], "next": None if last else "b"}).encode())

    with answering(answer) as server:
        assert list(connected(server).items("/studies")) == [0, 1, 2]


def test_a_download_that_is_cut_begins_again_and_leaves_no_part(tmp_path: Path) -> None:
    with answering(one_after_the_other(Told(body=b"half", cut=True), Told(body=b"whole"))) as server:
        connected(server).download("/file", tmp_path / "file")

    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_download_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with answering(lambda asked: Told(404)) as server, pytest.raises(StudyError):
        connected(server).download("/file", tmp_path / "file")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("link", "found"),
    [
        pytest.param("http://a:8000", ("http://a:8000", None), id="address"),
        pytest.param("a:8000/", ("http://a:8000", None), id="without-scheme"),
        pytest.param("http://127.0.0.1:8000/?token=t-1", ("http://127.0.0.1:8000", "t-1"), id="link"),
        pytest.param("https://host/tuner/api/v1", ("https://host/tuner", None), id="behind-a-proxy"),
    ],
)
def test_a_server_is_named_by_its_address_or_its_link(link: str, found: tuple[str, str | None]) -> None:
    assert place_of(link) == found


@pytest.mark.parametrize("link", ["", "ftp://a", "http://", "nonsense"], ids=["empty", "ftp", "no-host", "a-word"])
def test_what_is_no_address_is_refused(link: str) -> None:
    with pytest.raises(UsageError, match="must be the address of a server"):
        place_of(link)


def test_a_name_with_any_characters_is_one_part_of_a_path() -> None:
    assert path("studies", "a b/é?", 3) == "/studies/a%20b%2F%C3%A9%3F/3"
