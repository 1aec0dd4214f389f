"""The drivers of remote studies: one thread for each study that workers ask, inside the server.

A call waits until what it did is in the database. Calls that come meanwhile are written together. So a worker never
hears of an epoch that a crash of the server can lose.
"""

from __future__ import annotations

import asyncio
import collections
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

from tuner.errors import StudyError, TunerError
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.jobs import Jobs
from tuner.service.queue.lifecycle import JobState
from tuner.service.remote.leased_study import LeasedStudy
from tuner.service.remote.remote_leases import studies_with_leases
from tuner.service.remote.remote_opening import EventFile, opened_study

T = TypeVar("T")
Work = Callable[[LeasedStudy], Any]

TICK_SECONDS = 0.5
"""Seconds between two looks at leases and at the job."""

IDLE_SECONDS = 60.0
"""Seconds without a call and a lease after which a study is closed."""

PATIENCE_SECONDS = 25.0
"""Seconds for which a call waits for the database; a worker then repeats it."""

MOST_AT_ONCE = 512
"""Calls that are written together."""

ASKING_SECONDS = 0.02
"""Seconds for which workers get trials before reports come again: a sampler may take long for each."""

_OPEN = (JobState.QUEUED, JobState.STARTING, JobState.RUNNING)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    work: Work
    answer: asyncio.Future[Any]


_Answered: TypeAlias = tuple[_Call, Any, Exception | None]
"""A call with its result, or the error in place of it."""


class RemoteStudies:
    """The remote studies of a server. Its methods are called from the server's event loop.

    Args:
        database: of the service.
        jobs: of the service.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs
        self._threads: dict[str, _StudyThread] = {}

    async def start(self) -> None:
        """Go on with the leases of an earlier server.

        Raises:
            StorageError: the database cannot be used.
        """
        loop = asyncio.get_running_loop()
        for study in await asyncio.to_thread(studies_with_leases, self._database):
            self._thread(study, loop)

    async def stop(self) -> None:
        """Close all studies; the leases stay for the next server."""
        threads, self._threads = list(self._threads.values()), {}
        for thread in threads:
            thread.close()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def call(self, study: str, work: Callable[[LeasedStudy], T], asks: bool = False) -> T:
        """Do something to a study in its thread, and return the result when it is in the database.

        Args:
            study: its name.
            work: what to do.
            asks: whether it may take long, so that reports come first.

        Raises:
            TunerError: the study cannot be opened, or the database cannot be used.
            Refused: the study is unknown or over, or `work` refuses the call.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        while not self._thread(study, loop).put(_Call(work, answer), asks):
            await asyncio.sleep(0.01)  # it closes at this moment
        try:
            return await asyncio.wait_for(answer, PATIENCE_SECONDS)
        except TimeoutError:
            detail = f"study {study}: the database has no time; repeat the request"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"}) from None

    def _thread(self, study: str, loop: asyncio.AbstractEventLoop) -> _StudyThread:
        thread = self._threads.get(study)
        if thread is None or not thread.is_alive():
            thread = self._threads[study] = _StudyThread(study, self._database, self._jobs, loop)
            thread.start()
        return thread


class _StudyThread(threading.Thread):
    """Opens a study, and does one call after the other."""

    def __init__(self, study: str, database: Database, jobs: Jobs, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=f"remote study {study}", daemon=True)
        self._study = study
        self._database = database
        self._jobs = jobs
        self._loop = loop
        self._calls: collections.deque[_Call] = collections.deque()
        self._asks: collections.deque[_Call] = collections.deque()
        self._some = threading.Condition()
        self._closing = False
        self._over = False

    def put(self, call: _Call, asks: bool) -> bool:
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
            job: JobRecord | None = self._job()
            if job is not None and job.state not in _OPEN:
                self._refuse_asks(job)
            while job is not None and not self._is_over(job.state not in _OPEN):
                with opened_study(job, self._database) as (study, log):
                    job = self._work(job, study, log)
        except (TunerError, Refused) as error:
            self._fail(error)
        except BaseException as error:
            self._fail(StudyError(f"study {self._study}: the server has a fault: {type(error).__name__}: {error}"))
            raise
        finally:
            self._fail(Refused(HTTPStatus.SERVICE_UNAVAILABLE, "the server stops; repeat it", {"Retry-After": "2"}))

    def _refuse_asks(self, job: JobRecord) -> None:
        """Answer those who ask for trials of a study that is over, without opening it."""
        error = Refused(HTTPStatus.GONE, f"study {self._study} is {job.state.value}; stop asking")
        with self._some:
            asks: list[_Answered] = [(call, None, error) for call in self._asks]
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
        ticked, busy = 0.0, time.monotonic()
        while not self._is_over(not study.leases and (bool(study.halt) or time.monotonic() - busy > IDLE_SECONDS)):
            calls = self._next()
            if calls or self._asks:
                self._do(calls, study, log)
                busy = time.monotonic()
            if time.monotonic() - ticked < TICK_SECONDS:
                continue
            ticked = time.monotonic()
            latest = self._tick(job, study, log)
            if latest.command != job.command:
                return latest
            job = latest
        return None

    def _is_over(self, idle: bool) -> bool:
        """Return whether nobody waits, and the study is to be closed; no call comes after that."""
        with self._some:
            self._over = (idle or self._closing) and not self._calls and not self._asks
            return self._over

    def _next(self) -> list[_Call]:
        """Return the calls that wait, without those that ask."""
        with self._some:
            if not self._calls and not self._asks and not self._closing:
                self._some.wait(TICK_SECONDS)
            return [self._calls.popleft() for _ in range(min(len(self._calls), MOST_AT_ONCE))]

    def _do(self, calls: list[_Call], study: LeasedStudy, log: EventFile) -> None:
        """Do calls, write what they did, and answer them."""
        answers = [_done(call, study) for call in calls]
        until = time.monotonic() + ASKING_SECONDS
        while self._asks and (time.monotonic() < until or not answers):
            answers.append(_done(self._asks.popleft(), study))
        try:
            study.flush()
            log.write()
        except TunerError as error:
            answers = [(call, None, failed or error) for call, _, failed in answers]
        self._loop.call_soon_threadsafe(_answer, answers)

    def _tick(self, job: JobRecord, study: LeasedStudy, log: EventFile) -> JobRecord:
        """Look after leases, and let the job's state follow the study's; return the job as it is now."""
        try:
            latest = self._job()
            study.halt = "" if latest.state in _OPEN else f"is {latest.state.value}"
            study.expire()
            study.flush(everything=True)
            log.write()
            self._settle(latest, study)
        except TunerError as error:
            _log.warning("study %s: %s", self._study, error)
            return job
        return latest

    def _settle(self, job: JobRecord, study: LeasedStudy) -> None:
        if job.state in _OPEN and (end := study.end) is not None and not study.leases:
            reason = study.why_over
            self._jobs.move(job.id, end, since=_OPEN, reason=reason, ended_at=time.time())
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


def _done(call: _Call, study: LeasedStudy) -> _Answered:
    try:
        return call, call.work(study), None
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
