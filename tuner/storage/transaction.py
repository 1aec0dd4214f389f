"""Transactions: updates of trials are collected in memory and written in bulk, each write as a whole.

Every write holds all pending updates, of whichever trial. So the database always shows a state that the study once had.
A crash loses the latest updates, and never earlier ones. A trial that begins, ends or is set back is written at once,
with all that is pending. Updates of running trials wait for that, for at most `delay` seconds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from tuner.errors import StorageError
from tuner.storage.coordination import Turns, losing_the_turn, retried
from tuner.storage.debounce import Debouncer
from tuner.storage.memory_tables import MemoryTables
from tuner.storage.reopen import Reopen
from tuner.storage.study_caches import StudyCaches
from tuner.storage.tables import DRIVER, NEW, Begin, Move, Step, Tables
from tuner.storage.transient_errors import outage_of
from tuner.storage.trial_update import TrialUpdate

OVERDUE_SECONDS = 0.5
"""Seconds beyond `delay` after which a caller that adds an update writes the pending ones itself."""


@dataclass(slots=True)
class Transaction:
    """What is written together: updates, and at most one step.

    `before` are the updates that were pending when it began. `begun` is the id of the trial that `step` began.
    """

    before: dict[int, TrialUpdate]
    step: Step | None = None
    begun: int = NEW


class Transactions:
    """Writes the updates of `caches`, one transaction after the other.

    Args:
        tables: are written.
        caches: hold the trials and their unwritten updates.
        turns: of the driver that writes.
        delay: maximum seconds for which updates of running trials are pending; with 0 they never are.
    """

    def __init__(self, tables: Tables | MemoryTables, caches: StudyCaches, turns: Turns, delay: float) -> None:
        self._tables = tables
        self._caches = caches
        self._turns = turns
        self._delay = delay
        self._later = Debouncer(delay, self._write_aside)
        self._since = 0.0
        self._current: Transaction | None = None
        self._is_batch = False
        self._put_off: dict[int, TrialUpdate] = {}
        """Updates of a batch that came with a step, which is written; they follow before its commit."""

    @contextlib.contextmanager
    def together(self) -> Iterator[Transaction]:
        """Write the updates that are added inside, and the one step, as a whole.

        A step is written when the context ends. It is not retried: a write that fails may have happened.

        Raises:
            TurnLost: nobody knows whether the step is written.
            Unavailable: another program has made the step impossible.
        """
        with self._caches.lock:
            if self._current is not None:
                yield self._current
                return
            self._current = Transaction(dict(self._caches.unwritten))
            try:
                yield self._current
                if self._current.step is None:
                    self._write_in_time()
                else:
                    with losing_the_turn():
                        self._commit(self._current, self._current.step)
            except BaseException:
                self._write_put_off()  # what is rolled back is read again
                self._caches.roll_back(self._current.before)
                raise
            finally:
                self._current = None

    def _commit(self, transaction: Transaction, step: Step) -> None:
        if self._is_batch:
            begun = self._tables.write({}, step)
            self._put_off_unwritten(begun)
        else:
            begun = self._tables.write(self._caches.unwritten, step)
        self._written()
        match step:
            case Begin():
                assert begun is not None, step
                transaction.begun = begun
                self._caches.begin(step, begun)
            case Move(trial_id, _, TrialState.RUNNING):
                transaction.begun = trial_id
                self._caches.own(trial_id, True)
            case Move(trial_id):
                self._caches.move(step)
                self._caches.own(trial_id, False)
            case Reopen():
                self._caches.reopen(step)

    def _put_off_unwritten(self, begun: int | None = None) -> None:
        """Keep the unwritten updates for the end of the batch; `begun` is the id of the trial that was `NEW`."""
        for trial_id, update in self._caches.unwritten.items():
            key = begun if trial_id == NEW and begun is not None else trial_id
            earlier = self._put_off.get(key)
            self._put_off[key] = update if earlier is None else earlier.with_later(update)

    def _write_put_off(self) -> None:
        if self._put_off:
            self._tables.write(self._put_off)
            self._put_off.clear()

    def _written(self) -> None:
        self._caches.unwritten.clear()
        if self._current is not None:
            self._current.before.clear()

    def add(self, trial_id: int, update: TrialUpdate) -> None:
        """Change a trial in memory, and write the update with others, all or none of them."""
        with self.together():
            if not self._caches.unwritten:
                self._since = time.monotonic()
            self._caches.update(trial_id, update)

    def claim(self, trial_id: int) -> None:
        """Write the name of this driver, if it has one, to a trial that begins."""
        if self._turns.driver:
            self.add(trial_id, TrialUpdate({DRIVER: self._turns.driver}))

    def _write_in_time(self) -> None:
        if not self._caches.unwritten:
            return
        overdue = time.monotonic() - self._since > self._delay + OVERDUE_SECONDS
        if not self._delay or overdue:
            self.flush()
        elif self._tables.shared:
            self._later.ask()

    def flush(self) -> None:
        """Write what is pending.

        Raises:
            Evicted: one of the trials is not this driver's any more.
        """
        with self._caches.lock:
            if self._is_batch:
                self._put_off_unwritten()
                self._write_put_off()
                self._written()
            elif self._caches.unwritten:
                retried(self._turns, lambda: self._tables.write(self._caches.unwritten))
                self._written()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Write everything that is changed inside with one commit, where only one driver may write.

        Updates of many trials are then few statements. After an exception the caches are ahead of the database. Nothing
        more is written then; open the study anew.

        Raises:
            StorageError: nothing of it is written.
        """
        with self._caches.lock:
            try:
                with self._tables.batch():
                    self._is_batch = self._turns.connection is not None
                    yield
                    self.flush()
            except BaseException:
                self._caches.unwritten.clear()
                self._put_off.clear()
                self.close()
                raise
            finally:
                self._is_batch = False

    def _write_aside(self) -> None:
        """Write from the timer's thread; what that cannot write, the next event writes, which can wait and report."""
        with self._caches.lock:
            try:
                if self._caches.unwritten:
                    self._tables.write_aside(self._caches.unwritten)
                    self._written()
            except (SQLAlchemyError, StorageInternalError, StorageError) as error:
                if outage_of(error) is not None:
                    self._later.ask()

    def close(self) -> None:
        """Write nothing more; what is still pending could not be written."""
        self._later.end()
