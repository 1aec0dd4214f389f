"""The thread of a remote study: it opens the study, and does one call of a worker after the other.

A call waits until what it did is in the database. Calls that come meanwhile are written together. So a worker never
hears of an epoch that a crash of the server can lose.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from tuner.errors import StorageError, TunerError
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote.job_terms import OPEN, halt_of, is_paused
from tuner.service.remote.leased_study import PAUSED_SECONDS, LeasedStudy, NoneNow
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.remote.remote_opening import EventFile, opened_study
from tuner.service.remote.study_work import StudyWork
from tuner.storage.leases import Evicted

TICK_SECONDS = 0.5
"""Seconds between two looks at leases and at the job."""

MOST_LATE_SECONDS = 2.0
"""Seconds between two ticks after which the thread was held up, by a database that was away."""

IDLE_SECONDS = 60.0
"""Seconds without a call and a lease after which a study is closed."""

MOST_AT_ONCE = 512
"""Calls that are written together."""

ASKING_SECONDS = 0.005
"""Seconds for which workers get trials before reports come again: a sampler may take long for each."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """What a worker wants of a study, and where it waits for the answer."""

    work: StudyWork[Any]
    answer: asyncio.Future[Any]


_Answered: TypeAlias = tuple[Call, Any, Exception | None]
"""A call with its result, or the error in place of it."""


class StudyThread(threading.Thread):
    """Opens a study, and does one call after the other."""

    def __init__(self, study: str, database: Database, jobs: Jobs, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=f"remote study {study}", daemon=True)
        self._study = study
        self._database = database
        self._jobs = jobs
        self._loop = loop
        self._calls: collections.deque[Call] = collections.deque()
        self._asks: collections.deque[Call] = collections.deque()
        self._some = threading.Condition()
        self.began = time.monotonic()
        self._closing = False
        self._over = False

    def put(self, call: Call, asks: bool) -> bool:
        """Add a call; False if the thread is about to end."""
        with self._some:
            if self._over:
                return False
            (self._asks if asks else self._calls).append(call)
            self._some.notify()
        return True

    def close(self) -> None:
        """End the thread when its present calls are answered."""
        with self._some:
            self._closing = True
            self._some.notify()

    def run(self) -> None:
        """Work until the study is idle or over, or the server stops."""
        try:
            job = self._job()
            if halt := halt_of(job):
                self._answer_asks(job, halt)
            while not self._is_over(self._rests(job)):
                with opened_study(job, self._database) as (study, log):
                    changed = self._work(job, study, log)
                if changed is None:
                    return
                job = changed
        except (TunerError, Refused) as error:
            self._fail(error)
        except BaseException as error:
            detail = f"study {self._study}: the server has a fault: {type(error).__name__}; its log has the details"
            self._fail(Refused(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
            raise
        finally:
            self._fail(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the server stops; repeat it", {"Retry-After": "2"}))

    def _rests(self, job: JobRecord) -> bool:
        """Return whether the study has nothing to do: it is halted, and an earlier server left no lease."""
        return bool(halt_of(job)) and self._study not in studies_with_leases(self._database)

    def _answer_asks(self, job: JobRecord, halt: str) -> None:
        """Answer those who ask for trials of a study that is halted, without opening it."""
        over = Refused(HTTPStatus.GONE, f"study {self._study} {halt}; stop asking")
        wait = NoneNow(PAUSED_SECONDS)
        with self._some:
            asks: list[_Answered] = [
                (call, wait, None) if is_paused(job) else (call, None, over) for call in self._asks
            ]
            self._asks.clear()
        self._loop.call_soon_threadsafe(_answer, asks)

    def _job(self) -> JobRecord:
        job = self._jobs.search_of(self._study)
        if job is None or job.kind is not JobKind.REMOTE:
            detail = f"there is no study {self._study} with remote trials; submit one with objective.remote"
            raise Refused(HTTPStatus.NOT_FOUND, detail)
        return job

    def _work(self, job: JobRecord, study: LeasedStudy, log: EventFile) -> JobRecord | None:
        """Work on the open study; return the job if it must be opened again, with other settings."""
        ticked, busy = -math.inf, time.monotonic()
        while True:
            if not self._database.is_kept:
                raise StorageError(f"study {self._study}: another server serves the database, and goes on with it")
            if (since := time.monotonic() - ticked) >= TICK_SECONDS:
                latest = self._tick(job, study, log, is_late=since > MOST_LATE_SECONDS)
                if latest.command != job.command:
                    return latest
                job, ticked = latest, time.monotonic()
            is_idle = bool(study.halt) or time.monotonic() - busy > IDLE_SECONDS
            if self._is_over(is_idle and not study.leases):
                return None
            calls = self._next()
            if calls or self._asks:
                self._do(calls, study, log)
                busy = time.monotonic()

    def _is_over(self, idle: bool) -> bool:
        """Return whether nobody waits, and the study is to be closed; no call comes after that."""
        with self._some:
            self._over = (idle or self._closing) and not self._calls and not self._asks
            return self._over

    def _next(self) -> list[Call]:
        """Return the calls that wait, without those that ask."""
        with self._some:
            if not self._calls and not self._asks and not self._closing:
                self._some.wait(TICK_SECONDS)
            return [self._calls.popleft() for _ in range(min(len(self._calls), MOST_AT_ONCE))]

    def _do(self, calls: list[Call], study: LeasedStudy, log: EventFile) -> None:
        """Do calls, write what they did, and answer them.

        Raises:
            Exception: nothing is written, so the study must be opened anew.
        """
        taken: list[Call] = []
        answers: list[_Answered] = []
        try:
            with study.batch():
                for call in self._some_of(calls):
                    taken.append(call)
                    answers.append(_done(call, study))
        except Exception as error:  # a fault of this program too: nobody is to wait for it
            log.forget()
            with self._some:
                self._over = True  # what comes now waits for the next thread
            answers = [(call, None, error) for call in taken]
            self._loop.call_soon_threadsafe(_answer, answers)
            raise
        try:
            study.flush()
            log.write()
        except TunerError as error:
            answers = [(call, None, failed or error) for call, _, failed in answers]
        self._loop.call_soon_threadsafe(_answer, answers)

    def _some_of(self, calls: list[Call]) -> Iterator[Call]:
        """Yield calls, then those who ask, for a while: a sampler may take long for each."""
        yield from calls
        until = time.monotonic() + ASKING_SECONDS
        if not calls and self._asks:
            yield self._asks.popleft()
        while self._asks and time.monotonic() < until:
            yield self._asks.popleft()

    def _tick(self, job: JobRecord, study: LeasedStudy, log: EventFile, is_late: bool) -> JobRecord:
        """Look after leases, and let the job's state follow the study's; return the job as it is now.

        The lease of an ended trial is removed last. Until then, the next server looks at the study.

        Raises:
            Evicted: the server was out of touch for too long, and another driver has taken the study over.
            Refused: the study was deleted.
        """
        try:
            latest = self._job()
            study.follow(latest)
            if not is_late:  # else calls of workers may wait, who were not silent
                study.expire()
            study.flush()
            log.write()
            self._settle(latest, study)
            study.flush(everything=True)
        except Evicted:
            raise
        except TunerError as error:
            _log.warning("study %s: %s", self._study, error)
            return job
        return latest

    def _settle(self, job: JobRecord, study: LeasedStudy) -> None:
        if job.state in OPEN and (end := study.end) is not None and not study.leases:
            reason = study.why_over
            ended = None if end is JobState.SUSPENDED else time.time()
            moved = self._jobs.move(job.id, end, seen=job, reason=reason, ended_at=ended)
            if moved is not None:  # else it was asked for more meanwhile
                study.halt = reason  # so that the study is closed, and runs no more for those who look

    def _fail(self, error: Exception) -> None:
        with self._some:
            self._over = True
            left = [*self._calls, *self._asks]
            self._calls.clear()
            self._asks.clear()
        if left:
            answers: list[_Answered] = [(call, None, error) for call in left]
            self._loop.call_soon_threadsafe(_answer, answers)
        elif isinstance(error, TunerError):
            _log.warning("study %s: %s", self._study, error)


def _done(call: Call, study: LeasedStudy) -> _Answered:
    try:
        return call, call.work(study), None
    except StorageError:  # what was done before is not written either
        raise
    except Exception as error:  # whatever it is, it is the answer to this call alone
        return call, None, error


def _answer(answers: list[_Answered]) -> None:
    """Answer calls, in the event loop; nobody may wait for an answer any more."""
    for call, result, error in answers:
        if call.answer.done():
            continue
        if error is None:
            call.answer.set_result(result)
        else:
            call.answer.set_exception(error)
