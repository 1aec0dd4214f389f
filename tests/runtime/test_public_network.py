"""Which addresses are of the internet, and that no other is connected to."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.support.receivers import receiver
from tuner.runtime import public_network
from tuner.runtime.public_network import PrivateAddress, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fe80::1%eth0",
        "fd00::1",
    ],
)
def test_addresses_of_a_machine_or_its_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_an_address_of_this_machine_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    assert public_network.is_own("127.0.0.1")
    assert not public_network.is_own("93.184.215.14")

    monkeypatch.setattr(public_network, "is_own", lambda address: True)
    assert not is_public("93.184.215.14")


def drip(listening: socket.socket, over: threading.Event) -> None:
    """Answer one request, a byte of its first line at a time."""
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        while not over.wait(0.1):
            connection.sendall(b"H")


def test_a_receiver_that_answers_byte_by_byte_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_network, "is_public", lambda address: True)
    opener = urllib.request.build_opener(*public_network.handlers())
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening, over))
        dripping.start()
        began = time.monotonic()
        try:
            with pytest.raises((OSError, http.client.HTTPException)):
                opener.open(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"{}", timeout=0.5)
            assert time.monotonic() - began < 5
        finally:
            over.set()
            dripping.join()


def test_a_name_of_many_addresses_where_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def refuse(place: tuple[str, int], timeout: float) -> socket.socket:
        called.append(place)
        raise TimeoutError

    monkeypatch.setattr(public_network, "is_public", lambda address: True)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (f"10.0.0.{i}", 80)) for i in range(9)])
    monkeypatch.setattr(socket, "create_connection", refuse)

    with pytest.raises(TimeoutError):
        public_network.connected("hooks.example.com", 80, 5)

    assert len(called) == public_network.MOST_ADDRESSES


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_private_address_is_refused_before_anything_is_sent(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opener = urllib.request.build_opener(*public_network.handlers())
    with receiver() as kept:
        monkeypatch.setenv("http_proxy", kept.url)
        url = kept.url.replace("http", scheme)
        with pytest.raises(urllib.error.URLError) as refused:
            opener.open(urllib.request.Request(url, b"{}"), timeout=5)

    assert isinstance(refused.value.reason, PrivateAddress)
    assert kept.bodies == []


def test_the_checked_address_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers a public address first, and a private one at the next question, leads nowhere."""
    called = []
    monkeypatch.setattr(public_network, "is_public", lambda address: address == "127.0.0.1")
    answers = iter([[(2, 1, 6, "", ("10.0.0.8", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: next(answers))
    monkeypatch.setattr(socket, "create_connection", lambda place, _: called.append(place))

    public_network.connected("hooks.example.com", 80, 5)

    assert called == [("127.0.0.1", 80)]
