"""The output of a trial: parts of its file, and the file as it grows."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from tuner.results.artifacts import size
from tuner.service.problems import Refused

CHUNK = 2**16
LOOK_SECONDS = 0.5
SLOW_SECONDS = 30.0
"""A reader that takes longer than this for one piece is dropped. It can read on from its offset."""

MOST_SECONDS = 3600.0
"""Seconds after which a followed log ends; a reader can go on from its offset."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class LogPart:
    """The bytes of a log from `start` to before `end`; the file had `of` bytes."""

    file: Path | None
    start: int
    end: int
    of: int

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.end - self.start

    def read(self) -> Iterator[bytes]:
        """Yield the bytes."""
        if self.file is None or not self.size:
            return
        left = self.size
        with self.file.open("rb") as opened:
            opened.seek(self.start)
            while left and (chunk := opened.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk


class TrialLog:
    """The output of a trial.

    Args:
        file: where it goes, which may not exist; None if it goes nowhere.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def part(self, offset: int, wanted: str | None) -> LogPart:
        """Return the bytes from an offset on, or those of a `Range` header.

        Raises:
            Refused: the file has no such bytes.
        """
        whole = self._size()
        start, end = (offset, whole) if wanted is None else _range(wanted, whole)
        return LogPart(self._file, min(start, end), end, whole)

    async def followed(self, offset: int, is_over: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield what is written, until nothing more will come.

        Args:
            offset: the byte at which to begin.
            is_over: whether the trial has ended; may block.
        """
        looks, over = 0, False
        while not over and looks * LOOK_SECONDS < MOST_SECONDS:
            over = await to_thread.run_sync(is_over)  # asked first: what was written last comes after the end
            for chunk in LogPart(self._file, min(offset, self._size()), self._size(), 0).read():
                offset += len(chunk)
                yield chunk
            looks += 1
            if not over:
                await asyncio.sleep(LOOK_SECONDS)

    def _size(self) -> int:
        return 0 if self._file is None else size(self._file)


class FollowedLog(StreamingResponse):
    """A log as it grows, which drops a reader that does not read."""

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.headers["Content-Type"] = "text/plain; charset=utf-8"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the log until the reader leaves, or reads too slowly."""

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(SLOW_SECONDS):
                await send(message)

        with contextlib.suppress(TimeoutError):
            await super().__call__(scope, receive, in_time)


def _range(header: str, whole: int) -> tuple[int, int]:
    """Return the start and the end of a `Range` header of one part."""
    match = _RANGE.fullmatch(header.strip())
    first, last = (match[1], match[2]) if match else ("", "")
    if match and first:
        start, end = int(first), min(whole, int(last) + 1 if last else whole)
    elif match and last:
        start, end = max(0, whole - int(last)), whole
    else:
        start, end = whole, whole
    if start >= end:
        detail = f"Range {header}: the output has {whole} bytes, which such a range does not reach"
        raise Refused(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, detail, {"Content-Range": f"bytes */{whole}"})
    return start, end
