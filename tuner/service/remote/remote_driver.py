"""The remote studies of a server. Each that workers ask has a thread; those that nobody asks are looked after."""

from __future__ import annotations

import asyncio
import logging
import time
from http import HTTPStatus
from typing import TypeVar

from tuner.errors import TunerError
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.queue.jobs import Jobs
from tuner.service.remote.due_studies import DueStudies
from tuner.service.remote.study_thread import IDLE_SECONDS, Call, StudyThread
from tuner.service.remote.study_work import StudyWork

T = TypeVar("T")

LOOK_SECONDS = 5.0
"""Seconds between two looks at the studies that nobody asks."""

PATIENCE_SECONDS = 25.0
"""Seconds for which a call waits for the database; a worker then repeats it."""

_log = logging.getLogger(__name__)


def refuse_if_lost(database: Database) -> None:
    """Refuse a call while another server serves the database.

    Raises:
        Refused: it does.
    """
    if not database.is_kept:
        detail = "another server serves the database; ask that one"
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})


class RemoteStudies:
    """The remote studies of a server. Its methods are called from the server's event loop.

    Args:
        database: of the service.
        jobs: of the service.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs
        self._threads: dict[str, StudyThread] = {}
        self._due = DueStudies(database, jobs)
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on with the leases of an earlier server, and look after studies that nobody asks."""
        self._watch = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        """Close all studies; the leases stay for the next server."""
        if self._watch is not None:
            self._watch.cancel()
        threads, self._threads = list(self._threads.values()), {}
        for thread in threads:
            thread.close()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def call(self, study: str, work: StudyWork[T], asks: bool = False) -> T:
        """Do something to a study in its thread, and return the result when it is in the database.

        Args:
            study: its name.
            work: what to do.
            asks: whether it may take long, so that reports come first.

        Raises:
            TunerError: the study cannot be opened, or the database cannot be used.
            Refused: the study is unknown or over, or `work` refuses the call.
        """
        refuse_if_lost(self._database)
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        answer: asyncio.Future[T] = loop.create_future()
        try:
            while not self._thread(study).put(Call(work, answer), asks):
                if loop.time() > until:
                    raise TimeoutError
                await asyncio.sleep(0.01)  # it closes at this moment
            return await asyncio.wait_for(answer, until - loop.time())
        except TimeoutError:
            detail = f"study {study}: the database has no time; repeat the request"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"}) from None

    async def _look_again(self) -> None:
        while True:
            try:
                await self._look()
            except TunerError as error:  # a later look does it
                _log.warning("remote studies wait: %s", error)
            except Exception:
                _log.exception("the look at remote studies has met a fault of its own")
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Open the studies that are due. One that cannot be opened has a pause, as long as one that is idle."""
        if not self._database.is_kept:
            return
        since = time.monotonic() - IDLE_SECONDS
        self._threads = {
            study: thread for study, thread in self._threads.items() if thread.is_alive() or thread.began > since
        }
        for study in await asyncio.to_thread(self._due.names):
            if study not in self._threads:
                self._thread(study)

    def _thread(self, study: str) -> StudyThread:
        thread = self._threads.get(study)
        if thread is None or not thread.is_alive():
            loop = asyncio.get_running_loop()
            thread = self._threads[study] = StudyThread(study, self._database, self._jobs, loop)
            thread.start()
        return thread
