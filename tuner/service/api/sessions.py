"""`/sessions` and `/me`: log in and out on the page, and who one is."""

from __future__ import annotations

from http import HTTPStatus

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from tuner.service.access.roles import Login
from tuner.service.access.session_cookie import SESSION_COOKIE, clear_cookie, set_cookie
from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.problems import responses
from tuner.service.schemas.user_shapes import LoginBody, MeView, RoleName
from tuner.service.views.moments import moment

router = APIRouter(tags=["users"])


@router.post("/sessions", status_code=201, response_model=MeView, operation_id="log_in", responses=responses(401, 429))
async def log_in(body: LoginBody, server: CurrentServer, request: Request, answer: Response) -> MeView:
    """Log in with a token; the answer sets a cookie."""
    address = request.client.host if request.client else "unknown"
    login = await server.authentication.by_token(body.token.strip(), address)
    value, session = await anyio.to_thread.run_sync(server.authentication.begin_session, login)
    request.state.actor = login.principal.name
    set_cookie(answer, value, session, request.url.scheme == "https")
    answer.headers["Cache-Control"] = "no-store"
    return _me(session)


@router.delete("/sessions/current", status_code=204, operation_id="log_out")
def log_out(user: Reader, server: CurrentServer, request: Request) -> Response:
    """Log out: the cookie ends here and in the browser. A token stays valid."""
    if (value := request.cookies.get(SESSION_COOKIE)) is not None:
        server.authentication.end_session(value)
    answer = Response(status_code=HTTPStatus.NO_CONTENT)
    clear_cookie(answer, request.url.scheme == "https")
    return answer


@router.get("/me", response_model=MeView, operation_id="me")
async def me(user: Reader, request: Request) -> MeView:
    """Return the user behind the request."""
    return _me(request.state.login)


def _me(login: Login) -> MeView:
    user = login.principal
    role = RoleName(user.role.name.lower())
    return MeView(name=user.name, role=role, csrf=login.csrf, expires=moment(login.expires_at))
