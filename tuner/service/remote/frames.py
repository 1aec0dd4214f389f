"""Frames: items that travel between two processes, pickled. Those of one turn of the event loop travel together."""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from typing import Any, NamedTuple

from tuner.errors import TunerError
from tuner.service.problems import Refused
from tuner.service.remote.study_work import StudyWork
from tuner.service.server_options import LogFormat

_LENGTH = struct.Struct("!Q")


class Setup(NamedTuple):
    """The database of the service, and the form of log lines."""

    storage: str
    log_format: LogFormat


class Request(NamedTuple):
    """Work on a study, and the number of its reply."""

    number: int
    study: str
    work: StudyWork[Any]
    asks: bool


class Reply(NamedTuple):
    """The result of a request, or the error in place of it."""

    number: int
    result: Any
    error: Refused | TunerError | None


class Stop(NamedTuple):
    """The last item: close the studies, and end."""


class Frames:
    """One end of a connection.

    Args:
        reader: of what the other end sends.
        writer: to the other end.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._unsent: list[object] = []

    @classmethod
    async def over(cls, end: socket.socket) -> Frames:
        """Return the end of a connection that is a socket."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, item: object) -> None:
        """Send an item at the end of this turn of the event loop."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write)
        self._unsent.append(item)

    async def receive(self) -> list[Any]:
        """Return the items that come next.

        Raises:
            EOFError: the other process is gone.
        """
        try:
            head = await self._reader.readexactly(_LENGTH.size)
            items: list[Any] = pickle.loads(await self._reader.readexactly(_LENGTH.unpack(head)[0]))
        except (OSError, asyncio.IncompleteReadError):
            raise EOFError from None
        return items

    async def close(self) -> None:
        """Send what is unsent, and close this end."""
        self._write()
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:  # the other end was first
            return

    def _write(self) -> None:
        items, self._unsent = self._unsent, []
        if items and not self._writer.is_closing():
            content = pickle.dumps(items, pickle.HIGHEST_PROTOCOL)
            self._writer.write(_LENGTH.pack(len(content)) + content)
