"""`tuner users`: users and tokens on the command line."""

from __future__ import annotations

from tests.conftest import Cli
from tests.support.api_clients import bearer, serve_here
from tuner.service.access.audit_log import AuditLog
from tuner.service.database import Database
from tuner.service.server_options import ServerOptions
from tuner.storage.requests import this_user


def test_a_user_is_added_listed_changed_and_removed(cli: Cli) -> None:
    added = cli("users", "add", "ann", "--role", "admin", "--expires", "90d")
    assert added.returncode == 0
    assert added.stdout.startswith("tuner_")
    token = added.stdout.split("_")[1]

    assert cli("users", "role", "ann", "viewer").returncode == 0
    second = cli("users", "token", "ann", "--label", "laptop").stdout.split("_")[1]
    listed = cli("users", "list").stdout.splitlines()
    assert listed[1].split() == ["ann", "viewer", token, "first", "in", "90", "d", "never"]
    assert listed[2].split() == [second, "laptop", "never", "never"]

    assert "of ann is revoked" in cli("users", "revoke", second).stdout
    assert second not in cli("users", "list").stdout
    assert cli("users", "remove", "ann").returncode == 0
    assert "There are no users" in cli("users", "list").stdout


def test_a_running_server_accepts_a_new_user_at_once(cli: Cli, url: str) -> None:
    with serve_here(ServerOptions(storage=url)) as client:
        token = cli("users", "add", "ann", "--role", "admin").stdout.strip()

        assert client.get("/api/v1/me", headers=bearer(token)).json()["role"] == "admin"


def test_the_first_user_is_an_admin(cli: Cli) -> None:
    refused = cli("users", "add", "carl", "--role", "member")
    assert refused.returncode == 1
    assert "the first user must have the role admin" in refused.stderr

    assert cli("users", "add", "ann", "--role", "admin").returncode == 0
    assert cli("users", "add", "carl").returncode == 0


def test_the_audit_log_has_what_the_terminal_changes(cli: Cli, url: str) -> None:
    cli("users", "add", "ann", "--role", "admin")
    token = cli("users", "token", "ann").stdout.split("_")[1]
    cli("users", "revoke", token)
    cli("users", "role", "ann", "viewer")
    cli("users", "remove", "ann")
    cli("users", "remove", "ann")

    entries = AuditLog(Database(url)).entries(10)[::-1]
    assert [(entry.action, entry.status) for entry in entries] == [
        ("tuner users add ann --role admin", 201),
        ("tuner users token ann", 201),
        (f"tuner users revoke {token}", 204),
        ("tuner users role ann viewer", 200),
        ("tuner users remove ann", 204),
    ]
    account, _, host = this_user().rpartition("@")
    assert {(entry.actor, entry.address) for entry in entries} == {(f"{account} (terminal)", host)}


def test_wrong_words_are_refused_with_a_remedy(cli: Cli) -> None:
    assert "there is no such file" in cli("users", "list").stderr
    assert "did you mean add?" in cli("users", "ad", "ann").stderr
    cli("users", "add", "ann", "--role", "admin")
    assert "`tuner users list` shows all" in cli("users", "remove", "bob").stderr
    assert cli("users", "add", "ann").returncode == 1
    assert cli("users", "add", "Ann").returncode == 2
    assert cli("users", "token", "ann", "--expires", "soon").returncode == 2
