"""Who a token stands for: verified once, remembered, forgotten within seconds when it is revoked."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

import pytest
import sqlalchemy

from tests.support.clocks import Clock
from tuner.service.access import authentication
from tuner.service.access.accounts import Accounts
from tuner.service.access.authentication import FRESH_SECONDS, USED_SECONDS, Authentication
from tuner.service.access.credentials import Credential
from tuner.service.access.roles import LOCAL, Login, Role
from tuner.service.access.throttle import FREE_FAILURES
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.service_tables import tokens

LINK = Credential.new("local")


@pytest.fixture
def database(url: str) -> Database:
    made = Database(url)
    made.upgrade()
    return made


@pytest.fixture
def ticks() -> Clock:
    return Clock()


@pytest.fixture
def accounts(database: Database) -> Accounts:
    made = Accounts(database)
    made.add("ann", Role.MEMBER)
    return made


@pytest.fixture
def recognised(database: Database, ticks: Clock) -> Authentication:
    return Authentication(database, LINK, ticks=ticks)


def login(recognised: Authentication, token: object, address: str = "10.0.0.1") -> Login:
    return asyncio.run(recognised.by_token(str(token), address))


def status_of(recognised: Authentication, token: object, address: str = "10.0.0.1") -> HTTPStatus:
    with pytest.raises(Refused) as refused:
        login(recognised, token, address)
    return refused.value.status


def test_a_token_is_verified_once(
    accounts: Accounts, recognised: Authentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, _ = accounts.issue("ann")
    first = login(recognised, token)
    monkeypatch.setattr(authentication, "fits", None)

    assert login(recognised, token) == first
    assert (first.principal.name, first.principal.role) == ("ann", Role.MEMBER)


def test_what_another_process_revokes_is_refused_within_seconds(
    accounts: Accounts, recognised: Authentication, ticks: Clock
) -> None:
    revoked, other = accounts.issue("ann")[0], accounts.issue("ann")[0]
    cookie, _ = recognised.begin_session(login(recognised, revoked))
    login(recognised, other)

    accounts.revoke(revoked.id)
    ticks.now += FRESH_SECONDS

    assert status_of(recognised, revoked) == HTTPStatus.UNAUTHORIZED
    assert asyncio.run(recognised.by_cookie(cookie)) is None
    assert login(recognised, other).token == other.id


def test_an_open_stream_hears_that_its_login_has_ended(
    accounts: Accounts, recognised: Authentication, ticks: Clock
) -> None:
    token, _ = accounts.issue("ann")
    by_token = login(recognised, token)
    _, by_cookie = recognised.begin_session(by_token)
    assert not any(asyncio.run(recognised.is_over(each)) for each in (by_token, by_cookie))

    accounts.revoke(token.id)
    ticks.now += FRESH_SECONDS

    assert all(asyncio.run(recognised.is_over(each)) for each in (by_token, by_cookie))


def test_a_token_that_was_revoked_meanwhile_has_no_end_that_another_could_outlive(
    accounts: Accounts, recognised: Authentication
) -> None:
    ends = time.time() + 3600.0
    token, _ = accounts.issue("ann", expires_at=ends)
    by_token = login(recognised, token)
    _, by_cookie = recognised.begin_session(by_token)
    assert [recognised.token_ends_at(each) for each in (by_token, by_cookie)] == [ends, ends]

    accounts.revoke(token.id)
    recognised.refresh()

    for each in (by_token, by_cookie):
        with pytest.raises(Refused, match="revoked"):
            recognised.token_ends_at(each)


def test_a_new_role_and_a_removed_user_are_seen_within_seconds(
    accounts: Accounts, recognised: Authentication, ticks: Clock
) -> None:
    token, _ = accounts.issue("ann")
    login(recognised, token)

    accounts.change_role("ann", Role.ADMIN)
    ticks.now += FRESH_SECONDS
    assert login(recognised, token).principal.role is Role.ADMIN

    accounts.remove("ann")
    ticks.now += FRESH_SECONDS
    assert status_of(recognised, token) == HTTPStatus.UNAUTHORIZED

    accounts.add("ann", Role.VIEWER)
    ticks.now += FRESH_SECONDS
    assert status_of(recognised, token) == HTTPStatus.UNAUTHORIZED


def test_a_token_and_its_logins_end_when_it_expires(database: Database, accounts: Accounts, ticks: Clock) -> None:
    now = Clock(1000.0)
    recognised = Authentication(database, LINK, clock=now, ticks=ticks)
    token, _ = accounts.issue("ann", expires_at=1010.0)
    cookie, session = recognised.begin_session(login(recognised, token))
    assert session.expires_at == 1010.0

    now.now = 1010.0

    assert status_of(recognised, token) == HTTPStatus.UNAUTHORIZED
    assert asyncio.run(recognised.by_cookie(cookie)) is None


def test_the_printed_link_ends_with_the_first_user(
    database: Database, recognised: Authentication, ticks: Clock
) -> None:
    cookie, session = recognised.begin_session(login(recognised, LINK))
    assert session.principal == LOCAL

    Accounts(database).add("ann", Role.ADMIN)
    ticks.now += FRESH_SECONDS

    assert recognised.open_link is None
    assert status_of(recognised, LINK) == HTTPStatus.UNAUTHORIZED
    assert asyncio.run(recognised.by_cookie(cookie)) is None


def test_beyond_loopback_no_link_is_valid(database: Database, ticks: Clock) -> None:
    assert status_of(Authentication(database, None, ticks=ticks), LINK) == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1"])
def test_wrong_tokens_slow_down_their_address_but_not_who_is_known(
    accounts: Accounts, recognised: Authentication, ticks: Clock, address: str
) -> None:
    known, new = accounts.issue("ann")[0], accounts.issue("ann")[0]
    login(recognised, known, address)
    for _ in range(FREE_FAILURES):
        assert status_of(recognised, Credential.new(), address) == HTTPStatus.UNAUTHORIZED

    assert status_of(recognised, new, address) == HTTPStatus.TOO_MANY_REQUESTS
    assert login(recognised, known, address).token == known.id
    assert login(recognised, new, "10.0.0.2").token == new.id

    ticks.now += 1.1
    other, _ = accounts.issue("ann")
    assert login(recognised, other, address).token == other.id


def test_guesses_at_one_token_from_many_addresses_slow_down_too(accounts: Accounts, recognised: Authentication) -> None:
    token, _ = accounts.issue("ann")
    for number in range(FREE_FAILURES):
        guess = Credential.new(token.id)
        assert status_of(recognised, guess, f"10.0.1.{number}") == HTTPStatus.UNAUTHORIZED

    assert status_of(recognised, Credential.new(token.id), "10.0.2.1") == HTTPStatus.TOO_MANY_REQUESTS


def test_an_unknown_token_takes_as_long_as_a_known_one(accounts: Accounts, recognised: Authentication) -> None:
    token, _ = accounts.issue("ann")

    def seconds(guess: Credential) -> float:
        login_at = []
        for number in range(4):
            began = time.perf_counter()
            status_of(recognised, guess, f"10.0.3.{number}")
            login_at.append(time.perf_counter() - began)
        return min(login_at)

    known, unknown = seconds(Credential.new(token.id)), seconds(Credential.new())

    assert 0.4 < known / unknown < 2.5


def test_the_last_use_of_a_token_is_stored_once_a_minute(database: Database, accounts: Accounts, ticks: Clock) -> None:
    now = Clock(1000.0)
    recognised = Authentication(database, LINK, clock=now, ticks=ticks)
    token, _ = accounts.issue("ann")

    def used_at() -> object:
        with database.begin() as connection:
            return connection.execute(sqlalchemy.select(tokens.c.used_at)).scalar_one()

    login(recognised, token)
    recognised.refresh()
    assert used_at() == 1000.0
    for second, stored in ((USED_SECONDS / 2, 1000.0), (USED_SECONDS, 1000.0 + USED_SECONDS)):
        now.now = 1000.0 + second
        login(recognised, token)
        recognised.refresh()
        assert used_at() == stored
