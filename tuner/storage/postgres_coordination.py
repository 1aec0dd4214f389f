"""The turns of drivers that share a study on PostgreSQL: one advisory lock, and a lease for each of them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator, Set

import sqlalchemy
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from tuner.runtime.seeds import derive
from tuner.storage import leases, postgres
from tuner.storage.coordination import TurnLost, losing_the_turn
from tuner.storage.leases import Evicted, Lease
from tuner.storage.retry import Patience
from tuner.storage.transient_errors import AWAY, LOCKED, TAKEN, Unavailable, outage_of, readable_errors

_LOCK = text("SELECT pg_advisory_lock(:key)")
_UNLOCK = text("SELECT pg_advisory_unlock_all()")

_END_DEAD = text("""
SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid <> pg_backend_pid()
    AND classid::bigint = :key >> 32 AND objid::bigint = :key & 4294967295
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND application_name <> ALL (:alive)""")
"""https://www.postgresql.org/docs/current/view-pg-locks.html describes the two halves of a key."""


class Shared:
    """A driver's turns among others.

    Args:
        engine: makes connections for this driver alone, with its name.
        lease: this driver's lease, which was taken.
        patience: how long it waits for the database.
    """

    def __init__(self, engine: sqlalchemy.Engine, lease: Lease, patience: Patience) -> None:
        self.driver = lease.driver
        self.patience = patience
        self._engine = engine
        self._lease = lease
        self._key = derive(0, "tuner", "study", lease.study)
        self._held: Connection | None = None

    @property
    def connection(self) -> Connection | None:
        """The connection that holds the lock; SQLAlchemy would reopen a broken one without the lock."""
        if self._held is not None and self._held.invalidated:
            raise TurnLost(AWAY)
        return self._held

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the study's lock. Turns are not nested.

        Raises:
            Evicted: this driver was out of touch for too long.
            OutOfPatience: the database could not be used, or another held the lock, for too long.
        """
        assert self._held is None, "a turn in a turn"
        self._held = self.patience.outlast(self._enter)
        try:
            yield
        finally:
            held, self._held = self._held, None
            _release(held)

    @property
    def in_batch(self) -> bool:
        """No: each turn is written by itself, since other drivers wait for it."""
        return False

    @contextlib.contextmanager
    def batch(self, engine: sqlalchemy.Engine) -> Iterator[None]:
        """Yield at once: each turn inside is written by itself."""
        yield

    def alive(self) -> Set[str]:
        """Return the other drivers with a valid lease; others can never return to their trials."""
        connection = self.connection
        assert connection is not None, "asked outside of a turn"
        with readable_errors(), losing_the_turn(), connection.begin():
            self._lease.bury(connection)
            return self._lease.others(connection)

    def _enter(self) -> Connection:
        with readable_errors():
            connection = self._engine.connect()
            try:
                self._lock(connection)
                with connection.begin():
                    self._lease.renew(connection)
            except BaseException:
                connection.invalidate()  # whatever became of the lock: without its connection it is free
                connection.close()
                raise
            return connection

    def _lock(self, connection: Connection) -> None:
        try:
            with connection.begin():
                connection.execute(_LOCK, {"key": self._key})
        except SQLAlchemyError as error:
            if outage_of(error) is not LOCKED:
                raise
            self._end_dead_holder(connection)
            raise Unavailable(TAKEN) from error

    def _end_dead_holder(self, connection: Connection) -> None:
        """Free the lock of a driver that froze in its turn, or whose machine is gone unnoticed by TCP."""
        with connection.begin():
            alive = [self.driver, *self._lease.others(connection)]
            connection.execute(_END_DEAD, {"key": self._key, "alive": alive})


@contextlib.contextmanager
def sharing(url: URL, study: str, told: Callable[[str], None]) -> Iterator[Shared]:
    """Be one of the drivers of a study on PostgreSQL.

    Args:
        url: of the database.
        study: its name.
        told: is told when the database makes the run wait.

    Raises:
        SQLAlchemyError: the database cannot be used from the start.
    """
    host, pid = socket.gethostname(), os.getpid()
    lease = Lease(f"{host[:40]}-{pid}-{uuid.uuid4().hex[:6]}", study, host, pid)
    engine = sqlalchemy.create_engine(url, pool_size=2, **postgres.engine_options(url, lease.driver))
    with postgres.setting_up(url), engine.begin() as connection:
        lease.take(connection)
    left = threading.Event()
    keeper = threading.Thread(target=_keep, args=(engine, lease, left), name="tuner lease", daemon=True)
    keeper.start()
    try:
        yield Shared(engine, lease, Patience(told))
    finally:
        left.set()
        keeper.join(leases.RENEW_SECONDS)
        with contextlib.suppress(SQLAlchemyError), engine.begin() as connection:  # or it runs out
            lease.leave(connection)
        engine.dispose()


def _keep(engine: sqlalchemy.Engine, lease: Lease, left: threading.Event) -> None:
    """Renew a lease until its driver has left; an evicted driver learns of it in its next turn."""
    pause = leases.RENEW_SECONDS
    while not left.wait(pause):
        try:
            with engine.begin() as connection:
                lease.renew(connection)
            pause = leases.RENEW_SECONDS
        except Evicted:
            return
        except SQLAlchemyError:
            pause = 1.0


def _release(connection: Connection) -> None:
    """Free the lock, by ending its connection if necessary."""
    try:
        if not connection.invalidated:
            connection.rollback()
            with connection.begin():
                connection.execute(_UNLOCK)
    except BaseException as error:
        connection.invalidate()
        if not isinstance(error, SQLAlchemyError):
            raise
    finally:
        connection.close()
