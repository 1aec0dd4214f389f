"""The server's side of the process of remote studies.

Samplers, pruners and the database take their time. In a process of their own they hold up no other answer. It starts
when a worker calls or a study is due, and ends when nobody calls for a while.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import subprocess
import sys
import time
from http import HTTPStatus
from typing import Any, TypeVar

from tuner.errors import TunerError
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.queue.jobs import Jobs
from tuner.service.remote.due_studies import DueStudies
from tuner.service.remote.frames import Frames, Request, Setup, Stop
from tuner.service.remote.remote_driver import LOOK_SECONDS, PATIENCE_SECONDS, refuse_if_lost
from tuner.service.remote.study_thread import IDLE_SECONDS
from tuner.service.remote.study_work import StudyWork
from tuner.service.server_options import LogFormat

T = TypeVar("T")

HUNG_SECONDS = PATIENCE_SECONDS + 15.0
"""Seconds without an answer after which the process hangs. It answers before, if only that the database has no time."""

LOST_SECONDS = 0.5
"""Seconds for which the process may go on when another server has the database."""

CLOSING_SECONDS = 30.0
"""Seconds until a process that closes its studies is killed. That loses nothing that was answered."""

KEPT_SECONDS = 2 * IDLE_SECONDS
"""Seconds without a call for which the process is kept. All its studies are closed by then."""

_log = logging.getLogger(__name__)


class StudiesProcess:
    """The remote studies of a server, in a process of their own.

    Args:
        database: of the service.
        jobs: of the service.
        log_format: of the lines that the process logs.
    """

    def __init__(self, database: Database, jobs: Jobs, log_format: LogFormat) -> None:
        self._database = database
        self._due = DueStudies(database, jobs)
        self._setup = Setup(database.url, log_format)
        self._link: _Link | None = None
        self._starting = asyncio.Lock()
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `RemoteCalls`."""
        await self._look()
        self._watch = asyncio.create_task(self._look_again())

    async def stop(self) -> None:
        """See `RemoteCalls`."""
        if self._watch is not None:
            self._watch.cancel()
        async with self._starting:
            if self._link is not None:
                await self._link.close()

    async def call(self, study: str, work: StudyWork[T], asks: bool = False) -> T:
        """See `RemoteCalls`."""
        refuse_if_lost(self._database)
        link = self._link
        if link is None or not link.is_open:
            link = await self._linked()
        result: T = await link.call(study, work, asks)
        return result

    async def _linked(self) -> _Link:
        """Return the connection to the process, which is started if it does not run."""
        async with self._starting:
            if self._link is None or not self._link.is_open:
                self._link = await _Link.start(self._setup)
            return self._link

    async def _look_again(self) -> None:
        looked = time.monotonic()
        while True:
            await asyncio.sleep(min(LOST_SECONDS, LOOK_SECONDS))
            try:
                if self._link is not None and not self._database.is_kept:
                    await self._link.kill()
                if time.monotonic() - looked >= LOOK_SECONDS:
                    looked = time.monotonic()
                    await self._look()
            except TunerError as error:  # a later look does it
                _log.warning("remote studies wait: %s", error)
            except Exception:
                _log.exception("the look at remote studies has met a fault of its own")

    async def _look(self) -> None:
        """Start the process if a study is due. End it if it hangs or idles."""
        link = self._link if self._link is not None and self._link.is_open else None
        if link is not None and link.waits > HUNG_SECONDS:
            await link.kill()
        elif link is None and self._database.is_kept:
            if await self._some_are_due():
                await self._linked()
        elif link is not None and link.idles > KEPT_SECONDS and not await self._some_are_due():
            async with self._starting:  # who calls meanwhile waits, and starts another
                if link.idles > KEPT_SECONDS:
                    await link.close()

    async def _some_are_due(self) -> bool:
        return bool(await asyncio.to_thread(self._due.names))


class _Link:
    """The connection to a process that runs.

    Args:
        process: it is this one's child.
        frames: to and from the process.
    """

    def __init__(self, process: subprocess.Popen[bytes], frames: Frames) -> None:
        self._process = process
        self._frames = frames
        self._numbers = itertools.count()
        self._waiting: dict[int, tuple[float, asyncio.Future[Any]]] = {}
        self._called = time.monotonic()
        self._receiving = asyncio.create_task(self._receive())
        self.is_open = True
        """Whether the process takes calls."""

    @classmethod
    async def start(cls, setup: Setup) -> _Link:
        """Start a process."""
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "tuner.service.remote.studies_main", str(number)]
            process = subprocess.Popen(
                command, pass_fds=[number], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
            )
        frames = await Frames.over(ours)
        frames.send(setup)
        return cls(process, frames)

    @property
    def waits(self) -> float:
        """Seconds for which the oldest call waits."""
        return time.monotonic() - next(iter(self._waiting.values()))[0] if self._waiting else 0.0

    @property
    def idles(self) -> float:
        """Seconds since the last call; 0 if one waits."""
        return 0.0 if self._waiting else time.monotonic() - self._called

    async def call(self, study: str, work: StudyWork[T], asks: bool) -> Any:
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._called = time.monotonic()
        self._waiting[number] = self._called, answer
        self._frames.send(Request(number, study, work, asks))
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Let the process answer what waits, close its studies, and end."""
        self.is_open = False
        self._frames.send(Stop())
        try:
            await asyncio.to_thread(self._process.wait, CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("the process of remote studies has not closed them in %g s", CLOSING_SECONDS)
        await self.kill()

    async def kill(self) -> None:
        """End the process at once; it may be over already."""
        self.is_open = False
        self._process.kill()
        await asyncio.to_thread(self._process.wait)
        await self._receiving

    async def _receive(self) -> None:
        """Hand out replies until the process is gone."""
        try:
            while True:
                for number, result, error in await self._frames.receive():
                    _, answer = self._waiting.get(number, (0.0, None))
                    if answer is None or answer.done():
                        continue  # nobody waits for it any more
                    if error is None:
                        answer.set_result(result)
                    else:
                        answer.set_exception(error)
        except EOFError:
            self._lose()
        await self._frames.close()

    def _lose(self) -> None:
        """Answer those who wait that the process is gone."""
        if self.is_open:
            _log.error("the process of remote studies has ended; it starts again with the next call")
        self.is_open = False
        for _, answer in self._waiting.values():
            if not answer.done():
                detail = "the process of remote studies has ended; repeat the request"
                answer.set_exception(Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "2"}))
