"""The bodies of requests: how large they may be, by route, and a body that is read twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MEBI = 1024 * 1024
USUAL = 1 * MEBI
"""Bytes of a request that no line below names."""

LIMITS = (
    (re.compile(r"POST /api/v1/(studies|check)"), 64 * MEBI),
    (re.compile(r"POST /api/v1/studies/[^/]+/fork"), 64 * MEBI),
    (re.compile(r"POST /api/v1/models/[^/]+/predict"), 64 * MEBI),
    (re.compile(r"PUT /api/v1/uploads/[^/]+"), 8192 * MEBI),
    (re.compile(r"POST /api/v1/(datasets|uploads/missing)"), 64 * MEBI),
    (re.compile(r"PUT /api/v1/studies/[^/]+/trials/[^/]+/checkpoint"), 8192 * MEBI),
)
"""Bytes of requests that carry files. Code travels with a space; data and checkpoints may be large."""


def limit_of(method: str, path: str) -> int:
    """Return the most bytes that a request to a route may have."""
    return next((most for pattern, most in LIMITS if pattern.fullmatch(f"{method} {path}")), USUAL)


def too_large(most: int) -> HTTPException:
    """Return the error of a request that has more bytes than it may."""
    detail = f"the request has more than {most / MEBI:g} MiB; send less, or name data by their path"
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def limited(receive: Receive, most: int) -> Receive:
    """Return a receiver that raises once more than `most` bytes of a body came."""
    count = 0

    async def receiving() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > most:
            raise too_large(most)
        return message

    return receiving


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives a body that was read, and then goes on with `receive`."""
    given: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receiving() -> Message:
        return next(given, None) or await receive()

    return receiving
