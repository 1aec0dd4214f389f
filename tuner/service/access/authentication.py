"""Who a token or a cookie stands for. What was verified once stays in memory, until the database says otherwise."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

import anyio
import anyio.to_thread
import sqlalchemy

from tuner.errors import StorageError
from tuner.service.access.credentials import Credential, fingerprint, fits
from tuner.service.access.link_token import LINK_ID
from tuner.service.access.live_logins import LiveLogins
from tuner.service.access.roles import LOCAL, Login
from tuner.service.access.throttle import Throttle
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.service_tables import sessions, tokens

FRESH_SECONDS = 2.0
"""Age at which users, tokens and logins are read again: by then a revoked token is refused."""

SESSION_SECONDS = 7 * 86400.0
"""Life of a login on the page."""

USED_SECONDS = 60.0
"""Exactness of the time at which a token was last used."""

VERIFIED_AT_ONCE = 2
"""Tokens that are verified side by side; each takes 19 MiB and some 30 ms."""

log = logging.getLogger(__name__)


class Authentication:
    """Recognises users.

    Args:
        database: of the service.
        link: the token of the printed link; None beyond loopback.
        clock: seconds since 1970.
        ticks: seconds that never go back.
    """

    def __init__(
        self,
        database: Database,
        link: Credential | None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._link = link
        self._clock = clock
        self._ticks = ticks
        self._throttle = Throttle(ticks)
        self._live = LiveLogins({}, {}, has_users=True)
        self._read_at = -math.inf
        self._reading = threading.Lock()
        self._verified: dict[str, str] = {}
        self._verifying = anyio.CapacityLimiter(VERIFIED_AT_ONCE)
        self._used: dict[str, float] = {}
        self._noted: dict[str, float] = {}

    @property
    def open_link(self) -> Credential | None:
        """The token of the printed link, as long as there are no users."""
        self.refresh()
        return None if self._live.has_users else self._link

    async def by_token(self, text: str, address: str) -> Login:
        """Return the login of a token.

        Raises:
            Refused: it is wrong, expired or revoked (401), or the address or the name failed too often (429).
            StorageError: the database cannot be read.
        """
        await self._freshen()
        number = self._verified.get(fingerprint(text), "")
        if (found := self._current(self._live.tokens.get(number))) is not None:
            self._used[number] = self._clock()
            return found
        if (local := self._of_link(Credential.read(text))) is not None:
            return local  # a thousand reports a second may come by it
        keys = _keys(text, address)
        self._refuse_haste(keys)
        return await anyio.to_thread.run_sync(self._verify, text, keys, limiter=self._verifying)

    async def by_cookie(self, value: str) -> Login | None:
        """Return the login of a cookie; None if it is over.

        Raises:
            StorageError: the database cannot be read.
        """
        await self._freshen()
        return self._current(self._live.sessions.get(fingerprint(value)))

    async def is_over(self, login: Login) -> bool:
        """Return whether a login has ended, or its role has changed.

        Raises:
            StorageError: the database cannot be read.
        """
        await self._freshen()
        if self._current(login) is None:
            return True
        if login.csrf is not None:
            return login not in self._live.sessions.values()
        return self._live.has_users if login.token is None else self._live.tokens.get(login.token) != login

    def token_ends_at(self, login: Login) -> float | None:
        """Return when the token behind a login ends, in seconds since 1970; None if it does not.

        A login on the page ends earlier by itself.

        Raises:
            Refused: the token has ended meanwhile.
        """
        if login.token is None:
            return None
        found = self._current(self._live.tokens.get(login.token))
        if found is None:
            raise _invalid_token()
        return found.expires_at

    def begin_session(self, login: Login) -> tuple[str, Login]:
        """Begin a login on the page; return its cookie, and what it stands for."""
        value, csrf, now = secrets.token_urlsafe(32), secrets.token_urlsafe(24), self._clock()
        ends = min(now + SESSION_SECONDS, login.expires_at or math.inf)
        values = {"digest": fingerprint(value), "token_id": login.token, "csrf": csrf}
        with self._database.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.expires_at <= now))
            connection.execute(sessions.insert().values(**values, created_at=now, expires_at=ends))
        self.refresh()
        return value, Login(login.principal, login.token, csrf, ends)

    def end_session(self, value: str) -> None:
        """End a login on the page."""
        with self._database.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.digest == fingerprint(value)))
        self.refresh()

    def refresh(self) -> None:
        """Read users, tokens and logins again.

        Raises:
            StorageError: the database cannot be read.
        """
        with self._reading:
            self._read()

    async def _freshen(self) -> None:
        if self._is_stale():
            await anyio.to_thread.run_sync(self._read_if_stale)

    def _is_stale(self) -> bool:
        return self._ticks() - self._read_at >= FRESH_SECONDS

    def _read_if_stale(self) -> None:
        with self._reading:
            if self._is_stale():
                self._read()

    def _read(self) -> None:
        began = self._ticks()
        live = LiveLogins.read(self._database, self._link is not None)
        self._verified = {key: number for key, number in self._verified.items() if number in live.tokens}
        self._live, self._read_at = live, began
        self._note_uses()

    def _note_uses(self) -> None:
        """Store when tokens were last used."""
        due = {number: at for number, at in self._used.items() if at - self._noted.get(number, 0) >= USED_SECONDS}
        if not due:
            return
        try:
            with self._database.begin() as connection:
                for number, at in due.items():
                    connection.execute(tokens.update().where(tokens.c.id == number).values(used_at=at))
        except StorageError as error:  # nobody is locked out because the disk is full
            log.warning("the last use of tokens cannot be stored: %s", error)
        self._noted.update(due)

    def _verify(self, text: str, keys: list[str]) -> Login:
        self._refuse_haste(keys)  # while it waited, others may have failed
        found = self._current(self._of(Credential.read(text)))
        if found is None:
            self._throttle.failed(keys)
            raise _invalid_token()
        self._throttle.succeeded(keys)
        if found.token is not None:
            self._verified[fingerprint(text)] = found.token
            self._used[found.token] = self._clock()
        return found

    def _of(self, given: Credential | None) -> Login | None:
        """Return the login of a token, from the database. An unknown one takes as long as a known one."""
        if given is None:
            return None
        self.refresh()
        if given.id == LINK_ID:
            return self._of_link(given)
        with self._database.begin() as connection:
            stored = connection.execute(sqlalchemy.select(tokens.c.digest).where(tokens.c.id == given.id)).scalar()
        return self._live.tokens.get(given.id) if fits(given.secret, stored) else None

    def _of_link(self, given: Credential | None) -> Login | None:
        """Return the login of the printed link, as long as there are no users."""
        link = None if self._live.has_users else self._link
        if given is None or link is None or given.id != LINK_ID:
            return None
        return Login(LOCAL, None) if hmac.compare_digest(link.secret, given.secret) else None

    def _current(self, login: Login | None) -> Login | None:
        over = login is None or (login.expires_at is not None and login.expires_at <= self._clock())
        return None if over else login

    def _refuse_haste(self, keys: list[str]) -> None:
        if wait := math.ceil(self._throttle.wait(keys)):
            detail = f"too many wrong tokens; try again in {wait} s"
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(wait)})


def _invalid_token() -> Refused:
    detail = "the token is wrong, expired or revoked; ask an admin for another one"
    return Refused(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _keys(text: str, address: str) -> list[str]:
    """Return what failures count for: the address, of IPv6 the network of its customer, and the token's name."""
    given = Credential.read(text)
    return [f"address {_network(address)}", *([] if given is None else [f"token {given.id}"])]


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket's name
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))
