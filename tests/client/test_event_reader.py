"""Events come in their order, once each, also over lost connections."""

from __future__ import annotations

import pytest

from tests.support.fake_servers import Asked, Told, answering
from tuner.client.event_reader import ServerEvent, events_in, followed
from tuner.client.http_connection import Connection
from tuner.errors import AuthError, ServerError


def told(*numbers: int, cut: bool = False) -> Told:
    text = "".join(f'id: {number}\nevent: epoch\ndata: {{"number": {number}}}\n\n' for number in numbers)
    return Told(body=text.encode(), kind="text/event-stream", cut=cut)


def test_the_fields_of_an_event_are_read() -> None:
    stream = ': alive\n\nid: 7\nevent: ended\ndata: {"a":\ndata: 1}\nretry: 5\n\ndata: {}\n\nid: 9\ndata: {"half"'

    found = list(events_in(stream.split("\n")))

    assert found == [None, ServerEvent("7", "ended", {"a": 1}), ServerEvent("7", "message", {})]


def test_a_reader_goes_on_after_the_last_event_that_it_has_seen() -> None:
    answers = [told(1, 2, cut=True), Told(503, headers={"Retry-After": "0"}), Told(body=b"", cut=True), told(3)]
    left = iter(answers)
    with answering(lambda asked: next(left)) as server:
        connection = Connection(server.url, None, patience=5)

        found = [event.data["number"] for event in followed(connection, "/events", None, lambda: True)]

    assert found == [1, 2, 3]
    assert [asked.headers.get("Last-Event-ID") for asked in server.asked] == [None, "2", "2", "2"]


def test_a_stream_that_ends_before_the_study_is_opened_again() -> None:
    states = iter([False, True])
    left = iter([told(1), told(2)])
    with answering(lambda asked: next(left)) as server:
        connection = Connection(server.url, None, patience=5)

        found = [event.id for event in followed(connection, "/events", "0", lambda: next(states))]

    assert found == ["1", "2"]
    assert server.asked[0].headers["Last-Event-ID"] == "0"


def test_a_server_that_stays_away_ends_the_events_with_an_error() -> None:
    def answer(asked: Asked) -> Told:
        return Told(body=b"", cut=True)

    with answering(answer) as server, pytest.raises(ServerError, match="cannot be reached"):
        list(followed(Connection(server.url, None, patience=0.3), "/events", None, lambda: False))


def test_a_refusal_ends_the_events_at_once() -> None:
    with answering(lambda asked: Told(401)) as server, pytest.raises(AuthError):
        list(followed(Connection(server.url, None, patience=5), "/events", None, lambda: False))

    assert len(server.asked) == 1
