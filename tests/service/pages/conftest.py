"""A server with a user of each role, and a browser for its pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import Seat, chromium, seated
from tests.support.servers import RealServer, real_server
from tuner.service.access.accounts import Accounts
from tuner.service.access.roles import Role
from tuner.service.database import Database


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    with real_server(tmp_path_factory.mktemp("team"), "--cpus", "2") as running:
        yield running


@pytest.fixture(scope="package")
def tokens(server: RealServer) -> Mapping[Role, str]:
    """A token for a user of each role: ada is the admin, max a member, vera a viewer."""
    accounts = Accounts(Database(f"sqlite:///{server.folder}/studies.db"))
    names = {Role.ADMIN: "ada", Role.MEMBER: "max", Role.VIEWER: "vera"}
    for role, name in names.items():
        accounts.add(name, role)
    return {role: str(accounts.issue(name)[0]) for role, name in names.items()}


@pytest.fixture
def member(browser: Browser, server: RealServer, tokens: Mapping[Role, str]) -> Iterator[Seat]:
    with seated(browser, server.address) as taken:
        taken.log_in(tokens[Role.MEMBER])
        yield taken
