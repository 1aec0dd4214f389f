"""The first answers to requests with a key, which their repetitions get too."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import sqlalchemy

from tuner.errors import StorageError
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.service_tables import answers

HEADER = "Idempotency-Key"
KEPT_SECONDS = 86_400.0
"""Age at which an answer is removed."""

REMOVED_EACH_SECONDS = 600.0
"""Seconds between two removals of old answers."""

_log = logging.getLogger(__name__)

SECRET = "no-store"
"""The `Cache-Control` of answers with a secret, which is never stored."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was first given."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_secret(self) -> bool:
        """Whether it has a secret that is shown once."""
        return self.headers.get("cache-control") == SECRET


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with a key: who sent it, and a digest of its method, address and body."""

    owner: str
    key: str
    request: str


class Answers:
    """The answers by key in a database. Any thread may call it.

    Args:
        database: of the service. No other process answers requests on it.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._being_made: set[tuple[str, str]] = set()
        self._unstored: dict[tuple[str, str], tuple[str, Kept]] = {}
        """Answers that an outage kept from the database, with the requests that they answer."""
        self._removed_at = 0.0

    def claim(self, claim: Claim) -> Kept | None:
        """Return the first answer; None if the caller is the first, and makes the answer.

        Raises:
            Refused: the key belongs to another request, or the first answer is still being made.
            StorageError: the database cannot be used.
        """
        place = (claim.owner, claim.key)
        if place in self._unstored:
            request, kept = self._unstored[place]
            if request != claim.request:
                raise _another()
            return kept
        self._remove_old()
        with self._lock:
            is_first = place not in self._being_made
            self._being_made.add(place)
        if not is_first:
            self._refuse_another(claim)
            detail = f"the first request with this {HEADER} is still being answered; repeat it in a second"
            raise Refused(HTTPStatus.CONFLICT, detail, {"Retry-After": "1"})
        try:
            found = self._first(claim)
        except BaseException:
            self._being_made.discard(place)
            raise
        if found is not None:
            self._being_made.discard(place)
        return found

    def keep(self, claim: Claim, answer: Kept) -> None:
        """Store an answer. Of one with a secret, only that there was one.

        What was done is done: in an outage, this server remembers the answer.
        """
        if answer.is_secret:
            answer = Kept(answer.status, {"cache-control": answer.headers["cache-control"]}, b"")
        values = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        try:
            with self._database.begin() as connection:
                connection.execute(answers.update().where(*_of(claim)).values(**values))
        except StorageError as error:
            _log.warning("an answer is kept in memory: %s", error)
            self._unstored[claim.owner, claim.key] = claim.request, answer

    def end(self, claim: Claim) -> None:
        """End a claim. Without an answer, the next request with its key is the first again."""
        try:
            with self._database.begin() as connection:
                connection.execute(answers.delete().where(*_of(claim), answers.c.status.is_(None)))
        finally:
            self._being_made.discard((claim.owner, claim.key))

    def _first(self, claim: Claim) -> Kept | None:
        """Return the stored answer. A claim without one is of a server that ended before it answered."""
        values = {"owner": claim.owner, "key": claim.key, "request": claim.request}
        with self._database.begin() as connection:
            row = connection.execute(sqlalchemy.select(answers).where(*_of(claim))).first()
            if row is None:
                empty = {"headers": {}, "body": b"", "created_at": self._clock()}
                connection.execute(answers.insert().values(**values, **empty))
                return None
        if row.request != claim.request:
            raise _another()
        return None if row.status is None else Kept(row.status, row.headers, row.body)

    def _refuse_another(self, claim: Claim) -> None:
        with self._database.begin() as connection:
            stored = connection.execute(sqlalchemy.select(answers.c.request).where(*_of(claim))).scalar()
        if stored not in (None, claim.request):
            raise _another()

    def _remove_old(self) -> None:
        now = self._clock()
        if now - self._removed_at < REMOVED_EACH_SECONDS:
            return
        self._removed_at = now
        with self._database.begin() as connection:
            connection.execute(answers.delete().where(answers.c.created_at <= now - KEPT_SECONDS))


def _of(claim: Claim) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return answers.c.owner == claim.owner, answers.c.key == claim.key


def _another() -> Refused:
    detail = f"this {HEADER} belongs to another request; use a new key for each request"
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
