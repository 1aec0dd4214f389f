"""Users, tokens, logins and the audit log, as the API shows and takes them."""

from __future__ import annotations

import enum

from pydantic import Field

from tuner.service.schemas.shape import Answer, Body, Moment


class RoleName(enum.Enum):
    """What a user may do. A viewer reads; a member submits and changes what is theirs; an admin does everything."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"


class LoginBody(Body):
    """A login on the page."""

    token: str = Field(max_length=200)
    """As `tuner users add`, or the start of the server, printed it."""


class MeView(Answer):
    """The user behind the request."""

    name: str
    role: RoleName
    csrf: str | None
    """What each write with a cookie repeats as X-CSRF-Token; null for a token."""
    expires: Moment | None
    """When the token or the login ends; null if it has no end."""


class UserView(Answer):
    """A user."""

    name: str
    role: RoleName
    created: Moment


class NewUserBody(Body):
    """A user to add."""

    name: str = Field(max_length=200)
    role: RoleName
    expires: str | None = Field(None, max_length=40)
    """Life of the first token, such as `90d`; null is endless."""


class ChangedUserBody(Body):
    """What changes of a user."""

    role: RoleName


class TokenView(Answer):
    """A token, without its secret."""

    id: str
    user: str
    label: str
    created: Moment
    expires: Moment | None
    used: Moment | None
    """When it was last used, to a minute."""


class NewTokenBody(Body):
    """A token to make."""

    label: str = Field("", max_length=80)
    """What it is for."""
    expires: str | None = Field(None, max_length=40)
    """Its life, such as `90d`; null is endless."""


class IssuedTokenView(TokenView):
    """A new token. Its text is shown this once."""

    token: str


class AuditView(Answer):
    """A request that changed something, or tried to."""

    id: int
    at: Moment
    actor: str
    """The user; `NAME (terminal)` for an account of the server's machine; empty for a failed login."""
    action: str
    """The method and the path, or the command of a terminal."""
    status: int
    address: str
