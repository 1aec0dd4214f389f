"""An answer that a client has already is not sent again; large ones are sent compressed."""

from __future__ import annotations

from fastapi.testclient import TestClient

from tests.support.api_clients import api


def test_an_answer_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get(api("/studies/tiny"))

    again = client.get(api("/studies/tiny"), headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
    other = client.get(api("/studies/walk"), headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert other.status_code == 200
    assert client.get(api("/studies/none")).headers.get("ETag") is None


def test_large_answers_are_compressed_and_streams_are_not(client: TestClient) -> None:
    whole = client.get(api("/studies/tiny/trials"), headers={"Accept-Encoding": "gzip"})
    plain = client.get(api("/studies/tiny/trials"), headers={"Accept-Encoding": "identity"})
    followed = client.get(api("/studies/walk/trials/0/log?follow=true"), headers={"Accept-Encoding": "gzip"})

    assert whole.headers["Content-Encoding"] == "gzip"
    assert whole.json() == plain.json()
    assert "Content-Encoding" not in plain.headers
    assert followed.text == "walks from 0.5\n"
