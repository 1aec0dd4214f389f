"""What a route needs: the running server, and a user of a role.

They are coroutines: FastAPI calls a plain function in another thread, which costs more than all that they do.
"""

from __future__ import annotations

import functools
import typing
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import Depends, Request, Security, params
from fastapi.security import APIKeyCookie, HTTPBearer

from tuner.errors import did_you_mean
from tuner.service.access.roles import Principal, Role
from tuner.service.access.session_cookie import SESSION_COOKIE
from tuner.service.problems import Refused
from tuner.service.server import Server

BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="A token: `tuner users add` prints one.")
COOKIE = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="cookie",
    description="A login on the page; writes repeat its `csrf` as X-CSRF-Token.",
)
"""What the document of the API says of logins. The guard has recognised the user before."""


async def server_of(request: Request) -> Server:
    """Return the running server."""
    server: Server = request.app.state.server
    return server


def at_least(role: Role) -> Callable[..., Awaitable[Principal]]:
    """Return a dependency: the user of a request of the route, who has at least this role."""

    async def principal(
        request: Request, bearer: object = Security(BEARER), cookie: object = Security(COOKIE)
    ) -> Principal:
        user: Principal | None = getattr(request.state, "principal", None)
        if user is None:
            detail = "this needs a token: Authorization: Bearer TOKEN, or log in on the page"
            raise Refused(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
        if user.role < role:
            detail = f"{user.name} is a {user.role.name.lower()}; this needs the role {role.name.lower()}"
            raise Refused(HTTPStatus.FORBIDDEN, detail)
        _refuse_unknown(request)
        return user

    return principal


def _refuse_unknown(request: Request) -> None:
    """Refuse a parameter that a route of the API has not. Ignored, it would change the answer unseen.

    The scripts of pages read their own.

    Raises:
        Refused: there is one.
    """
    if not request.query_params or not request.url.path.startswith("/api/"):
        return
    known = _query_of(request.scope["route"].endpoint)
    for name in request.query_params:
        if name not in known:
            others = f"; there are: {', '.join(known)}" if known else "; this route has none"
            detail = f"{name}: there is no such parameter{did_you_mean(name, known) or others}"
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


@functools.cache
def _query_of(endpoint: Callable[..., object]) -> tuple[str, ...]:
    """Return the names of a route's parameters in the address."""
    hints = typing.get_type_hints(endpoint, include_extras=True)
    return tuple(
        info.alias or name
        for name, hint in hints.items()
        for info in getattr(hint, "__metadata__", ())
        if isinstance(info, params.Query)
    )


CurrentServer: TypeAlias = Annotated[Server, Depends(server_of)]
Reader: TypeAlias = Annotated[Principal, Depends(at_least(Role.VIEWER))]
Member: TypeAlias = Annotated[Principal, Depends(at_least(Role.MEMBER))]
Admin: TypeAlias = Annotated[Principal, Depends(at_least(Role.ADMIN))]
