"""Writes that can be repeated: the same `Idempotency-Key` gives the first answer again, for a day.

What remote workers send is left out: there the trial, its attempt and the epoch show a repetition.
"""

from __future__ import annotations

import hashlib
from http import HTTPStatus

import anyio
import anyio.to_thread
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner.errors import StorageError
from tuner.service.access.answers import HEADER, Claim, Kept
from tuner.service.access.body_limits import replayed
from tuner.service.access.guard import REPORTS
from tuner.service.access.roles import Principal
from tuner.service.problems import Refused, problem
from tuner.service.server import Server

LONGEST_KEY = 200

KEPT_METHODS = frozenset({"POST", "PATCH", "DELETE"})
"""Methods whose answers are kept. A PUT can be repeated by itself, and may be large."""

PASSING = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
"""Answers that are not kept, like those from 500: the request changed nothing, and may do better the next time."""


class Idempotency:
    """Middleware behind the guard, which has recognised the user.

    Args:
        app: what it repeats the answers of.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with a key, or hand on one without."""
        if scope["type"] != "http" or not _has_claim(request := Request(scope)):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(request, scope, receive)
        except Refused as refused:
            answer = problem(refused.status, refused.detail, headers=refused.headers)
        except ClientDisconnect:
            return
        except StorageError as error:
            answer = problem(503, str(error), headers={"Retry-After": "5"})
        await answer(scope, receive, send)

    async def _answer(self, request: Request, scope: Scope, receive: Receive) -> Response:
        server: Server = request.app.state.server
        key = request.headers[HEADER]
        if not 0 < len(key) <= LONGEST_KEY:
            detail = f"{HEADER}: must have 1 to {LONGEST_KEY} characters, such as a UUID"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        body = await Request(scope, receive).body()
        claim = Claim(request.state.principal.name, key, _digest(request, body))
        first = await anyio.to_thread.run_sync(server.answers.claim, claim)
        if first is not None:
            return _again(first)
        try:
            made = await _made(self._app, scope, body, receive)
            if made.status < HTTPStatus.INTERNAL_SERVER_ERROR and made.status not in PASSING:
                await anyio.to_thread.run_sync(server.answers.keep, claim, made)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(server.answers.end, claim)
        return _response(made)


def _has_claim(request: Request) -> bool:
    user: Principal | None = request.state.principal
    if user is None or request.method not in KEPT_METHODS or HEADER not in request.headers:
        return False
    return REPORTS.fullmatch(f"{request.method} {request.url.path}") is None


def _digest(request: Request, body: bytes) -> str:
    """Return a digest of what is asked. The boundary of a form's parts is another one each time."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind == b"multipart/form-data" and (boundary := options.get(b"boundary")):
        body = body.replace(b"--" + boundary, b"--")
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(body)
    return digest.hexdigest()


async def _made(app: ASGIApp, scope: Scope, body: bytes, receive: Receive) -> Kept:
    """Return the answer of the routes."""
    status, headers, parts = 0, Headers(), []

    async def sending(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], Headers(raw=message["headers"])
        else:
            parts.append(message.get("body", b""))

    await app(scope, replayed(body, receive), sending)
    return Kept(status, {name: value for name, value in headers.items() if name != "content-length"}, b"".join(parts))


def _again(first: Kept) -> Response:
    if first.is_secret:
        detail = "this was done, and its answer had a secret that is shown once; revoke that, and use another key"
        return problem(HTTPStatus.CONFLICT, detail)
    return _response(first)


def _response(kept: Kept) -> Response:
    answer = Response(kept.body, kept.status)
    for name, value in kept.headers.items():
        answer.headers[name] = value
    return answer
