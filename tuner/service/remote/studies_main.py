"""The process of remote studies. It runs as a module, with the number of its socket to the server.

Its first item is the `Setup`. It ends when it is told to, or at once when the server is gone. What was answered is in
the database, and the next server goes on with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from http import HTTPStatus
from typing import Any

import uvloop

from tuner.errors import TunerError
from tuner.service import log_lines
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.queue.jobs import Jobs
from tuner.service.remote.frames import Frames, Reply, Request, Stop
from tuner.service.remote.remote_driver import PATIENCE_SECONDS, RemoteStudies

_log = logging.getLogger(__name__)


async def serve(server: socket.socket) -> None:
    """Work on studies until the server says that it stops, or is gone."""
    frames = await Frames.over(server)
    try:
        setup, *requests = await frames.receive()
        log_lines.set_up(setup.log_format)
        database = Database(setup.storage)
        studies = RemoteStudies(database, Jobs(database))
        await studies.start()
        running = await _work(frames, studies, requests)
    except EOFError:
        os._exit(1)
    await studies.stop()
    if running:
        await asyncio.wait(running, timeout=PATIENCE_SECONDS)
    await frames.close()


async def _work(frames: Frames, studies: RemoteStudies, items: list[Request | Stop]) -> set[asyncio.Task[None]]:
    """Answer requests until the last item, and return what still runs."""
    running: set[asyncio.Task[None]] = set()
    while True:
        for item in items:
            if isinstance(item, Stop):
                return running
            task = asyncio.create_task(_answer(frames, studies, item))
            running.add(task)
            task.add_done_callback(running.discard)
        items = await frames.receive()


async def _answer(frames: Frames, studies: RemoteStudies, request: Request) -> None:
    result: Any = None
    error: Refused | TunerError | None = None
    try:
        result = await studies.call(request.study, request.work, request.asks)
    except (Refused, TunerError) as refused:
        error = refused
    except Exception:
        _log.exception("study %s: a call has met a fault of this program", request.study)
        detail = "the server has met an error of its own; its log has the details"
        error = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
    frames.send(Reply(request.number, result, error))


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the server says when to end
    with socket.socket(fileno=int(sys.argv[1])) as given:
        uvloop.run(serve(given))
