"""Accounts: the service is never left to users of whom none is an admin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.remote_jobs import database_in
from tuner.errors import TunerError
from tuner.service.access.accounts import Accounts
from tuner.service.access.roles import Role


@pytest.mark.parametrize(
    "act",
    [lambda accounts: accounts.remove("ann"), lambda accounts: accounts.change_role("ann", Role.MEMBER)],
    ids=["removed", "demoted"],
)
def test_the_last_admin_stays_while_there_are_others(tmp_path: Path, act: Callable[[Accounts], object]) -> None:
    accounts = Accounts(database_in(tmp_path))
    accounts.add("ann", Role.ADMIN)
    accounts.add("bob", Role.MEMBER)

    with pytest.raises(TunerError, match="ann: is the only admin; make another user admin first"):
        act(accounts)
    accounts.change_role("bob", Role.ADMIN)
    act(accounts)

    assert accounts.get("bob").role is Role.ADMIN


def test_the_only_user_can_be_removed(tmp_path: Path) -> None:
    accounts = Accounts(database_in(tmp_path))
    accounts.add("ann", Role.ADMIN)

    accounts.remove("ann")

    assert accounts.users() == []
