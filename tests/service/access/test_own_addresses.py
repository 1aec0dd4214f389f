"""Which Host and Origin headers are the server's own."""

from __future__ import annotations

import pytest

from tuner.errors import UsageError
from tuner.service.access.own_addresses import OwnAddresses
from tuner.service.server_options import ServerOptions

OWN = OwnAddresses(ServerOptions(origins=("https://tuner.lab", "http://other.lab:8080/")))


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "10.0.0.7:80", "[::1]:8000", "tuner.lab", "TUNER.lab:443"]
)
def test_names_of_this_machine_addresses_and_origins_are_hosts(host: str) -> None:
    assert OWN.is_host(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "a@localhost", "localhost:x", "localhost/a"]
)
def test_another_name_is_no_host(host: str) -> None:
    assert not OWN.is_host(host)


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8000", "https://tuner.lab", "https://tuner.lab:443", "http://other.lab:8080"]
)
def test_the_requested_address_and_those_of_the_options_are_origins(origin: str) -> None:
    assert OWN.is_origin(origin, "http", "127.0.0.1:8000")


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000",
        "http://tuner.lab",
        "https://tuner.lab.evil.example",
    ],
)
def test_another_port_scheme_or_name_is_another_origin(origin: str) -> None:
    assert not OWN.is_origin(origin, "http", "127.0.0.1:8000")


@pytest.mark.parametrize("origin", ["tuner.lab", "https://tuner.lab/path", "ftp://tuner.lab"])
def test_an_option_that_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(UsageError, match="must be https://NAME"):
        OwnAddresses(ServerOptions(origins=(origin,)))
