"""`tuner serve`: what it says before it starts. The server itself is in tests/service."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.conftest import Cli
from tuner.cli import extras
from tuner.service.database import Database


def test_nothing_stops_a_server_from_starting_and_the_check_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    checked = cli("serve", "--check", "--port", 0)

    assert (checked.returncode, checked.stdout) == (0, "nothing stops tuner serve from starting\n")
    assert list(tmp_path.iterdir()) == []


def test_a_check_names_every_obstacle(cli: Cli, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/studies.db")
    database.upgrade()
    with database.served(), socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = ("--port", port, "--data-root", "absent", "--ssl-certfile", "cert.pem", "--ssl-keyfile", "key.pem")

        checked = cli("serve", "--check", *told)

    assert checked.returncode == 1
    port_taken, certificate, root, served = checked.stderr.splitlines()
    assert port_taken.startswith(f"tuner: --host 127.0.0.1 --port {port}: cannot be used: Address already in use")
    assert certificate.startswith("tuner: cert.pem: there is no such file")
    assert "absent: is no folder that can be read" in root
    assert "serves it; stop that one first" in served


def test_a_server_that_others_can_reach_needs_users(cli: Cli) -> None:
    checked = cli("serve", "--check", "--port", 0, "--host", "0.0.0.0")
    assert checked.returncode == 1
    assert "it has no users" in checked.stderr

    assert cli("users", "add", "ann", "--role", "admin").returncode == 0

    assert cli("serve", "--check", "--port", 0, "--host", "0.0.0.0").returncode == 0


def test_a_server_does_not_start_where_another_serves(cli: Cli, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/studies.db")
    with database.served():
        started = cli("serve", "--port", 0)

    assert started.returncode == 1
    assert "serves it; stop that one first" in started.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ssl-certfile", "cert.pem"], "--ssl-certfile and --ssl-keyfile go together"),
        (["--executor", "ray"], "--executor ray and --ray-address go together"),
        (["--executor", "rey"], "must be processes or ray (did you mean ray?)"),
        (["--storage", "sqlite://"], "the service needs an SQLite file or PostgreSQL"),
    ],
    ids=["certificate", "cluster", "executor", "storage"],
)
def test_options_that_do_not_fit_are_refused(cli: Cli, options: list[str], message: str) -> None:
    refused = cli("serve", "--port", 0, *options)

    assert refused.returncode != 0
    assert message in refused.stderr


def test_without_the_extra_it_says_how_to_install_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "SERVE", ("absent_package",))

    refused = cli("serve")

    assert refused.returncode == 2
    assert "pip install 'tuner[serve]'" in refused.stderr
