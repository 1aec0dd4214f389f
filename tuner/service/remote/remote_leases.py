"""Leases: which remote worker has which trial, and how long it may be silent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy

from tuner.service.database import Database
from tuner.service.service_tables import leases

RENEW_SECONDS = 5.0
"""Seconds for which the renewals of a lease are not in the database. A new server renews all leases anyway."""


@dataclass(slots=True)
class Lease:
    """A trial of a worker; times are of `time.monotonic`.

    `key` is the idempotency key of the request that asked. `last` is the last epoch that this attempt reported, or 0.
    It is None if an earlier server took the reports.
    """

    trial: int
    attempt: int
    worker: str
    owner: str
    seconds: float
    key: str
    last: int | None = 0
    called: float = 0.0
    written: float = 0.0

    def renew(self) -> float:
        """Renew the lease, and return the seconds since the last call."""
        earlier, self.called = self.called, time.monotonic()
        return self.called - earlier

    @property
    def left(self) -> float:
        """The seconds until it expires."""
        return self.called + self.seconds - time.monotonic()


class Leases:
    """The leases of a study, kept in the database.

    Args:
        database: of the service.
        study: the name of the study.
    """

    def __init__(self, database: Database, study: str) -> None:
        self._database = database
        self._study = study
        self._held: dict[int, Lease] = {}
        self._changed: set[int] = set()
        self._given = False

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Lease]:
        return iter(tuple(self._held.values()))

    def get(self, trial: int) -> Lease | None:
        """Return the lease of a trial, if a worker has it."""
        return self._held.get(trial)

    def of_request(self, owner: str, key: str) -> Lease | None:
        """Return the lease that a request made, if it still holds."""
        return next((each for each in self._held.values() if key and (each.owner, each.key) == (owner, key)), None)

    def read(self) -> None:
        """Read the leases that an earlier server gave. Each has its full time again."""
        with self._database.begin() as connection:
            rows = connection.execute(sqlalchemy.select(leases).where(leases.c.study == self._study)).all()
        now = time.monotonic()
        for row in rows:
            lease = Lease(row.trial, row.attempt, row.worker, row.owner, row.seconds, row.key, None, now, now)
            self._held[row.trial] = lease

    def give(self, lease: Lease) -> None:
        """Add a lease."""
        lease.renew()
        self._held[lease.trial] = lease
        self._changed.add(lease.trial)
        self._given = True

    def end(self, trial: int) -> None:
        """Remove the lease of a trial that ended or waits."""
        if self._held.pop(trial, None) is not None:
            self._changed.add(trial)

    def write(self, everything: bool = False) -> None:
        """Write what has changed, in one transaction, if new leases are among it.

        A lease that ended can wait: whoever reads it finds that its trial does not run.

        Args:
            everything: whether in any case, with the renewals.

        Raises:
            StorageError: the database cannot be used; a later call writes the same.
        """
        if not self._given and not everything:
            return
        changed = set(self._changed)
        if everything:
            changed |= {each.trial for each in self._held.values() if each.called - each.written > RENEW_SECONDS}
        if not changed:
            return
        now, shift = time.monotonic(), time.time() - time.monotonic()
        kept = [lease for trial in changed if (lease := self._held.get(trial)) is not None]
        with self._database.begin() as connection:
            gone = sqlalchemy.and_(leases.c.study == self._study, leases.c.trial == sqlalchemy.bindparam("number"))
            connection.execute(leases.delete().where(gone), [{"number": trial} for trial in changed])
            if kept:
                connection.execute(leases.insert(), [self._row(lease, shift) for lease in kept])
        for lease in kept:
            lease.written = now
        self._changed -= changed
        self._given = False

    def _row(self, lease: Lease, shift: float) -> dict[str, object]:
        return {
            "study": self._study,
            "trial": lease.trial,
            "attempt": lease.attempt,
            "worker": lease.worker,
            "owner": lease.owner,
            "seconds": lease.seconds,
            "key": lease.key,
            "expires_at": lease.called + lease.seconds + shift,
        }


def studies_with_leases(database: Database) -> list[str]:
    """Return the studies whose trials are leased, by name."""
    with database.begin() as connection:
        return list(connection.execute(sqlalchemy.select(leases.c.study).distinct()).scalars())


def ended(every: Iterable[Lease]) -> list[Lease]:
    """Return the leases whose time is over."""
    return [lease for lease in every if lease.left <= 0]
