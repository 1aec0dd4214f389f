"""The short way of reports: middleware that answers them before the router, which takes longer than all they do.

A thousand reports come in a second, and few other requests. The route `report` documents them, and answers all that
are not plain.
"""

from __future__ import annotations

import re

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tuner.errors import TunerError
from tuner.service.access.body_limits import replayed
from tuner.service.access.roles import Principal, Role
from tuner.service.api.remote import REPORT, reported
from tuner.service.problems import Refused, problem_of
from tuner.service.schemas import EpochsBody

PLAIN = re.compile(r"/api/v1/studies/([^/]+)/trials/(\d{1,9})/epochs")


class ReportPath:
    """Middleware behind the guard, which has recognised the user.

    Args:
        app: it answers everything else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a report, or hand on what is none."""
        plain = _plain(scope)
        if plain is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        text = await request.body()
        try:
            body = EpochsBody.model_validate_json(text)
        except ValidationError:
            await self._app(scope, replayed(text, receive), send)  # the route says what is wrong
            return
        scope["route"] = REPORT  # the figures are kept by route
        answer = await _answer(request, plain[1], int(plain[2]), body)
        await answer(scope, receive, send)


def _plain(scope: Scope) -> re.Match[str] | None:
    """Return the parts of the path, if this is a report of a user who may send one."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None
    user: Principal | None = scope["state"]["principal"]
    return PLAIN.fullmatch(scope["path"]) if user is not None and user.role >= Role.MEMBER else None


async def _answer(request: Request, study: str, number: int, body: EpochsBody) -> Response:
    try:
        return await reported(request.app.state.server, request.state.principal, study, number, body)
    except (Refused, TunerError) as error:
        return problem_of(error)
