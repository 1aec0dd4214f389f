"""Tokens are kept for their user alone."""

from __future__ import annotations

import stat

import pytest

from tuner.client import Client
from tuner.client.login_file import Logins, login_file
from tuner.errors import UsageError


def test_a_login_is_read_back_and_only_its_user_can_read_it() -> None:
    Logins.read().with_login("http://a", "t-a").write()
    Logins.read().with_login("http://b", "t-b").write()

    assert Logins.read() == Logins("http://b", {"http://a": "t-a", "http://b": "t-b"})
    assert stat.S_IMODE(login_file().stat().st_mode) == 0o600


def test_a_file_of_another_mode_becomes_private_at_the_next_login() -> None:
    Logins("http://a", {"http://a": "t-a"}).write()
    login_file().chmod(0o644)

    Logins.read().with_login("http://b", "t-b").write()

    assert stat.S_IMODE(login_file().stat().st_mode) == 0o600


def test_without_the_last_login_the_file_is_gone() -> None:
    Logins.read().with_login("http://a", "t-a").write()

    Logins.read().without("http://a").write()

    assert not login_file().exists()
    assert Logins.read() == Logins()


def test_a_file_that_is_broken_is_said_to_be() -> None:
    login_file().parent.mkdir(parents=True)
    login_file().write_text("{")

    with pytest.raises(UsageError, match=r"login\.json: cannot be read .*: delete it, and log in again"):
        Logins.read()


def test_a_client_without_a_server_says_how_to_name_one() -> None:
    with pytest.raises(UsageError, match="name a server"):
        Client()


def test_a_client_takes_the_last_login_the_environment_or_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    Logins.read().with_login("http://a", "t-a").write()

    assert Client().url == "http://a"
    monkeypatch.setenv("TUNER_SERVER", "http://b")
    assert Client().url == "http://b"
    assert Client("http://c").url == "http://c"
