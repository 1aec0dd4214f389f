"""ETags: an answer that a client has already is not sent again."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 2**24
"""Larger answers have no tag: they would have to stay in memory."""


class Tagged:
    """Middleware that tags whole JSON answers to GET, and answers 304 where the client has the same.

    Args:
        app: what it tags.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(Headers(scope=scope).get("if-none-match", ""), send))


class _Answer:
    """An answer on its way: held back until it is whole, if it is one JSON text."""

    def __init__(self, known: str, send: Send) -> None:
        self._known = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_json(message):
            self._start = message
            return
        if self._start is None:
            await self._send(message)
            return
        start, self._start = self._start, None
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False) and len(body) <= MOST_BYTES:
            headers = MutableHeaders(raw=list(start["headers"]))
            tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
            headers["ETag"] = f"W/{tag}"
            headers.setdefault("Cache-Control", "private, no-cache")
            start = {**start, "headers": headers.raw}
            if tag in self._known:
                del headers["content-length"]
                start, message = {**start, "status": 304, "headers": headers.raw}, {**message, "body": b""}
        await self._send(start)
        await self._send(message)


def _is_json(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "")
    return start["status"] == 200 and kind.startswith("application/json") and "etag" not in headers
