"""Webhooks, posted to a real server."""

from __future__ import annotations

import socket

import pytest

from tests.support.receivers import receiver
from tuner.runtime.webhook import SIGNATURE, Undelivered, post, signature


def test_a_receiver_gets_the_body_as_json() -> None:
    with receiver() as kept:
        post(kept.url, b'{"text": "done"}')

    assert kept.told == [{"text": "done"}]
    assert kept.headers[0]["Content-Type"] == "application/json"
    assert SIGNATURE not in kept.headers[0]


def test_a_body_is_signed_as_rfc_4231_says() -> None:
    case_2 = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    with receiver() as kept:
        post(kept.url, b"what do ya want for nothing?", "Jefe")

    assert kept.headers[0][SIGNATURE] == case_2 == signature(b"what do ya want for nothing?", "Jefe")


@pytest.mark.parametrize(("status", "final"), [(404, True), (302, True), (503, False), (429, False), (500, False)])
def test_an_answer_tells_whether_to_try_again(status: int, final: bool) -> None:
    with receiver([status]) as kept, pytest.raises(Undelivered, match=f"answers {status}") as refused:
        post(kept.url, b"{}")

    assert refused.value.final is final
    assert len(kept.bodies) == 1
    assert "secret" not in str(refused.value)


def test_nobody_there_is_said_without_the_secret_path() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(Undelivered, match=rf"127\.0\.0\.1:{port} cannot be reached") as refused:
            post(f"http://127.0.0.1:{port}/secret", b"{}")

    assert not refused.value.final
    assert "/secret" not in str(refused.value)


def test_a_port_that_cannot_be_is_undelivered() -> None:
    with pytest.raises(Undelivered, match="cannot be reached"):
        post("http://127.0.0.1:99999/x", b"{}")
