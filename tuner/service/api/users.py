"""`/users`: users and their tokens. Admins see and change all, everybody their own tokens."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from tuner.errors import TunerError
from tuner.service.access.accounts import StoredToken, User
from tuner.service.access.roles import Principal, Role
from tuner.service.api.needs import Admin, CurrentServer, Reader
from tuner.service.problems import Refused, responses
from tuner.service.schemas import Page
from tuner.service.schemas.user_shapes import (
    ChangedUserBody,
    IssuedTokenView,
    NewTokenBody,
    NewUserBody,
    RoleName,
    TokenView,
    UserView,
)
from tuner.service.views.moments import end_of, moment

router = APIRouter(tags=["users"])

Name = Annotated[str, Path(max_length=200, description="The user's name.")]


@router.get("/users", response_model=Page[UserView], operation_id="list_users")
def list_users(user: Admin, server: CurrentServer) -> Page[UserView]:
    """Return the users."""
    items = [_user(each) for each in server.accounts.users()]
    return Page(items=items, next=None, total=len(items))


@router.post(
    "/users", status_code=201, response_model=IssuedTokenView, operation_id="add_user", responses=responses(409, 422)
)
def add_user(body: NewUserBody, user: Admin, server: CurrentServer, answer: Response) -> IssuedTokenView:
    """Add a user with a first token, which this answer alone shows."""
    role = Role.named(body.role.value)
    server.accounts.refuse_first(role)
    expires_at = end_of(body.expires, time.time())
    server.accounts.add(body.name, role)
    return _issue(server, answer, body.name, "first", expires_at)


@router.patch("/users/{name}", response_model=UserView, operation_id="change_user", responses=responses(404, 409, 422))
def change_user(name: Name, body: ChangedUserBody, user: Admin, server: CurrentServer) -> UserView:
    """Give a user another role."""
    _refuse_self(user, name)
    changed = server.accounts.change_role(name, Role.named(body.role.value))
    server.authentication.refresh()
    return _user(changed)


@router.delete("/users/{name}", status_code=204, operation_id="remove_user", responses=responses(404, 409))
def remove_user(name: Name, user: Admin, server: CurrentServer) -> Response:
    """Remove a user with all tokens. Studies stay theirs."""
    _refuse_self(user, name)
    server.accounts.remove(name)
    server.authentication.refresh()
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/users/{name}/tokens", response_model=Page[TokenView], operation_id="list_tokens", responses=responses(404)
)
def list_tokens(name: Name, user: Reader, server: CurrentServer) -> Page[TokenView]:
    """Return the tokens of a user, without their secrets."""
    _refuse_of_others(user, name)
    items = [_token(each) for each in server.accounts.tokens(name)]
    return Page(items=items, next=None, total=len(items))


@router.post(
    "/users/{name}/tokens",
    status_code=201,
    response_model=IssuedTokenView,
    operation_id="add_token",
    responses=responses(404, 422),
)
def add_token(
    name: Name, body: NewTokenBody, user: Reader, server: CurrentServer, request: Request, answer: Response
) -> IssuedTokenView:
    """Make a token, which this answer alone shows. It ends no later than the token with which its user logged in."""
    _refuse_of_others(user, name)
    expires_at = end_of(body.expires, time.time())
    latest = server.authentication.token_ends_at(request.state.login)
    if user.role is not Role.ADMIN and latest is not None:
        expires_at = min(latest, expires_at or latest)
    return _issue(server, answer, name, body.label, expires_at)


@router.delete("/users/{name}/tokens/{token}", status_code=204, operation_id="revoke_token", responses=responses(404))
def revoke_token(
    name: Name,
    token: Annotated[str, Path(max_length=40, description="The token's id.")],
    user: Reader,
    server: CurrentServer,
) -> Response:
    """Revoke a token, and end the logins that began with it."""
    _refuse_of_others(user, name)
    server.accounts.revoke(token, of=name)
    server.authentication.refresh()
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _issue(server: CurrentServer, answer: Response, name: str, label: str, expires_at: float | None) -> IssuedTokenView:
    new, stored = server.accounts.issue(name, label, expires_at)
    server.authentication.refresh()
    answer.headers["Cache-Control"] = "no-store"
    return IssuedTokenView(token=str(new), **_token(stored).model_dump())


def _refuse_of_others(user: Principal, name: str) -> None:
    if user.role is not Role.ADMIN and user.name != name:
        detail = f"the tokens of {name} are for {name} and admins alone"
        raise Refused(HTTPStatus.FORBIDDEN, detail)


def _refuse_self(user: Principal, name: str) -> None:
    """Keep at least one admin: nobody takes that role from themselves."""
    if user.name == name:
        raise TunerError(f"user {name}: another admin must change or remove this account")


def _user(user: User) -> UserView:
    return UserView(name=user.name, role=RoleName(user.role.name.lower()), created=moment(user.created_at))


def _token(stored: StoredToken) -> TokenView:
    return TokenView(
        id=stored.id,
        user=stored.user,
        label=stored.label,
        created=moment(stored.created_at),
        expires=moment(stored.expires_at),
        used=moment(stored.used_at),
    )
