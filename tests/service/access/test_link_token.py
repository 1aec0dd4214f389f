"""The secret of the printed link."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import UsageError
from tuner.service.access.accounts import Accounts
from tuner.service.access.link_token import link_token, refuse_open_port
from tuner.service.access.roles import Role
from tuner.service.database import Database
from tuner.service.server_options import ServerOptions


def test_the_token_outlives_the_server_and_only_its_user_can_read_it(tmp_path: Path) -> None:
    first = link_token(tmp_path / "service")

    assert link_token(tmp_path / "service") == first
    assert (tmp_path / "service" / "token").stat().st_mode & 0o777 == 0o600


def test_a_token_that_others_may_have_read_is_replaced(tmp_path: Path) -> None:
    first = link_token(tmp_path)
    (tmp_path / "token").chmod(0o644)

    assert link_token(tmp_path) != first
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


def test_without_users_only_this_machine_is_served(url: str) -> None:
    database = Database(url)
    database.upgrade()
    accounts = Accounts(database)

    refuse_open_port(ServerOptions(), ())
    with pytest.raises(UsageError, match=r"(?s)tuner users add NAME --role admin.*--ssl-certfile"):
        refuse_open_port(ServerOptions(host="0.0.0.0"), ())

    accounts.add("ann", Role.ADMIN)
    refuse_open_port(ServerOptions(host="0.0.0.0"), accounts.users())
