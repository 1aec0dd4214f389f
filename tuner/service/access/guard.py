"""The guard: what every request passes before a route sees it.

It recognises the user, refuses what other sites send, limits and slows down, and keeps the audit log. Roles are the
routes' affair. It is plain ASGI: bodies and streams pass through unread.
"""

from __future__ import annotations

import functools
import hmac
import logging
import re
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tuner.errors import StorageError
from tuner.service.access.audit_log import NOBODY
from tuner.service.access.authentication import FRESH_SECONDS
from tuner.service.access.body_limits import limit_of, limited, replayed, too_large
from tuner.service.access.credentials import Credential
from tuner.service.access.link_token import LINK_ID
from tuner.service.access.own_addresses import OwnAddresses
from tuner.service.access.roles import Login
from tuner.service.access.session_cookie import CSRF_FIELD, CSRF_HEADER, SESSION_COOKIE, set_cookie, with_usual
from tuner.service.problems import Refused, problem
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions

READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

OPEN = re.compile(r"(GET|HEAD) /(healthz|readyz|login|favicon\.ico|static/.*|api/docs|api/openapi\.json)")
"""Requests that need no user, beside a login. Any other path needs one, whatever its route declares."""

LOGIN = "POST /api/v1/sessions"

REPORTS = re.compile(r"\w+ /api/v1/studies/[^/]+/(ask|trials/[^/]+/(epochs|complete|fail|release|checkpoint))")
"""What remote workers do, a thousand times a second. The trials themselves show it; the audit log leaves it out."""

FORM = "application/x-www-form-urlencoded"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Call:
    """A request on its way: its parts that the guard looks at, and how it is answered."""

    request: Request
    receive: Receive
    login: Login | None = None
    began: bool = False
    checked_at: float = field(default_factory=time.monotonic)

    @property
    def action(self) -> str:
        return f"{self.request.method} {self.path}"

    @property
    def path(self) -> str:
        path: str = self.request.scope["path"]  # the request's own URL is made anew for each call
        return path

    @property
    def writes(self) -> bool:
        return self.request.method not in READING

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else "unknown"

    @property
    def is_secure(self) -> bool:
        return bool(self.request.scope["scheme"] == "https")

    @property
    def server(self) -> Server:
        server: Server = self.request.app.state.server
        return server


class Guard:
    """Middleware around all routes. It sets `request.state.principal` and `request.state.login`, or None.

    Args:
        app: what it guards.
        options: of the server.
    """

    def __init__(self, app: ASGIApp, options: ServerOptions) -> None:
        self._app = app
        self._own = OwnAddresses(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {}).update(principal=None, login=None, actor=None)
        call = _Call(Request(scope), receive)
        sending = functools.partial(self._send, call, send)
        try:
            answer = await self._answer_of_its_own(call)
        except Refused as refused:
            answer = problem(refused.status, refused.detail, headers=refused.headers)
        except HTTPException as error:
            answer = problem(error.status_code, error.detail)
        except ClientDisconnect:
            return
        except StorageError as error:
            answer = problem(503, str(error), headers={"Retry-After": "5"})
        if answer is not None:
            await answer(scope, receive, sending)
            return
        try:
            await self._app(scope, call.receive, sending)
        except ClientDisconnect:
            return
        except HTTPException as error:  # middleware behind this one has read a body that is too large
            await problem(error.status_code, error.detail)(scope, receive, sending)
        except Exception:
            if not call.began:
                detail = "the server has met an error of its own; its log has the details"
                await problem(500, detail)(scope, receive, sending)
            raise  # for the log

    async def _answer_of_its_own(self, call: _Call) -> Response | None:
        """Return the answer to a request that goes no further; None lets it pass.

        Raises:
            Refused: it is not allowed.
        """
        request = call.request
        self._check_host(request)
        if (answer := await _by_link(call)) is not None:
            return answer
        call.login = await _login_of(call)
        if call.login is not None:
            request.state.login, request.state.principal = call.login, call.login.principal
        elif not (OPEN.fullmatch(call.action) or call.action == LOGIN):
            return _ask_for_login(request)
        most = limit_of(request.method, call.path)
        if _length(request) > most:
            raise too_large(most)
        call.receive = limited(call.receive, most)
        if call.writes:
            await self._check_sender(call)
        return None

    def _check_host(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if not self._own.is_host(host):
            detail = f"this server is not {host or 'a host without a name'}; start it with --origin https://NAME"
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, detail)

    async def _check_sender(self, call: _Call) -> None:
        """Refuse a write that another site sends with this site's cookie."""
        request = call.request
        if call.login is not None and call.login.csrf is None:
            return  # a token, which browsers do not send by themselves
        origin = request.headers.get("origin")
        if origin is not None and not self._own.is_origin(origin, request.url.scheme, request.headers["host"]):
            detail = f"a page of {origin} may not change anything here; start the server with --origin {origin}"
            raise Refused(HTTPStatus.FORBIDDEN, detail)
        if call.login is None or call.login.csrf is None or call.action == LOGIN:
            return
        given = request.headers.get(CSRF_HEADER) or await _field(call)
        if not hmac.compare_digest(call.login.csrf.encode(), given.encode()):
            detail = f"the header {CSRF_HEADER} is not that of GET /api/v1/me; load the page again"
            raise Refused(HTTPStatus.FORBIDDEN, detail)

    async def _send(self, call: _Call, send: Send, message: Message) -> None:
        if message["type"] == "http.response.start":
            call.began = True
            message["headers"] = with_usual(message.get("headers", ()), call.is_secure)
            await _note(call, message["status"])
        elif message.get("more_body") and await _is_over(call):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise ClientDisconnect  # to the route it is one
        await send(message)


async def _login_of(call: _Call) -> Login | None:
    authentication = call.server.authentication
    given = call.request.headers.get("authorization")
    if given is not None:
        scheme, _, text = given.partition(" ")
        if scheme.lower() != "bearer":
            detail = "the header Authorization must be: Bearer TOKEN"
            raise Refused(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
        return await authentication.by_token(text.strip(), call.address)
    cookie = call.request.cookies.get(SESSION_COOKIE)
    return None if cookie is None else await authentication.by_cookie(cookie)


async def _by_link(call: _Call) -> Response | None:
    """Answer the printed link: a cookie, and the address without its token."""
    request = call.request
    if request.method != "GET" or call.path.startswith("/api/"):
        return None
    token = request.query_params.get("token", "")
    given = Credential.read(token)
    if given is None or given.id != LINK_ID:
        return None  # a link with the token of a user could log people in as somebody else
    authentication = call.server.authentication
    if await anyio.to_thread.run_sync(lambda: authentication.open_link) is None:
        return None
    login = await authentication.by_token(token, call.address)
    value, session = await anyio.to_thread.run_sync(authentication.begin_session, login)
    rest = urlencode([(key, text) for key, text in parse_qsl(request.url.query) if key != "token"])
    answer = RedirectResponse(request.url.path + (f"?{rest}" if rest else ""), HTTPStatus.SEE_OTHER)
    set_cookie(answer, value, session, call.is_secure)
    return answer


def _ask_for_login(request: Request) -> Response:
    """Return 401, or for a page the way to the login."""
    path = request.url.path
    is_page = request.method in READING and not path.startswith("/api/")
    if is_page and "text/html" in request.headers.get("accept", ""):
        here = quote(path + (f"?{request.url.query}" if request.url.query else ""), safe="/")
        return RedirectResponse(f"/login?next={here}", HTTPStatus.SEE_OTHER)
    detail = "this needs a token: Authorization: Bearer TOKEN, or log in on the page"
    return problem(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})


async def _field(call: _Call) -> str:
    """Return the CSRF secret of a form, and keep its body for the route."""
    if not call.request.headers.get("content-type", "").startswith(FORM):
        return ""
    body = await Request(call.request.scope, call.receive).body()
    call.receive = replayed(body, call.receive)
    return parse_qs(body.decode("utf-8", "replace")).get(CSRF_FIELD, [""])[0]


async def _is_over(call: _Call) -> bool:
    """Return whether the login of a stream has ended since it began, as of some seconds ago."""
    if call.login is None or time.monotonic() - call.checked_at < FRESH_SECONDS:
        return False
    call.checked_at = time.monotonic()
    try:
        return await call.server.authentication.is_over(call.login)
    except StorageError as error:
        log.warning("a stream goes on without a look at its login: %s", error)
        return False


async def _note(call: _Call, status: int) -> None:
    """Store what changed something before its answer leaves. A failed login is stored too."""
    actor = call.request.state.actor or (call.login.principal.name if call.login else None)
    if status == HTTPStatus.UNAUTHORIZED and (call.action == LOGIN or "authorization" in call.request.headers):
        actor = NOBODY
    is_report = status < HTTPStatus.BAD_REQUEST and REPORTS.fullmatch(call.action) is not None
    if actor is None or is_report or not call.writes:
        return
    note = functools.partial(call.server.audit.note, actor, call.action, status, call.address)
    try:
        await anyio.to_thread.run_sync(note)
    except StorageError as error:  # the change is made; its answer must not claim otherwise
        log.error("audit log: %s %s %s %s is missing: %s", actor, call.action, status, call.address, error)


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
