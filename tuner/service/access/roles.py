"""Who asks: the roles of users, and the user behind a request."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tuner.errors import UsageError


class Role(enum.IntEnum):
    """What a user may do; each role may do what the ones below it may.

    A viewer reads. A member submits, and changes what is their own. An admin does everything.
    """

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3

    @classmethod
    def named(cls, name: str) -> Role:
        """Return the role of a name in lower case."""
        return cls[name.upper()]


class UnknownUser(UsageError):
    """There is no such user, or no such token."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The user behind a request; `name` is the owner of what it submits."""

    name: str
    role: Role

    def may_change(self, owner: str) -> bool:
        """Return whether the user may change what belongs to `owner`."""
        return self.role is Role.ADMIN or (self.role is Role.MEMBER and self.name == owner)


LOCAL = Principal("local", Role.ADMIN)
"""The user of the printed link, while there are no users. No user has this name."""


@dataclass(frozen=True, slots=True)
class Login:
    """A principal, and how the server recognised it: by a token or by a cookie.

    `token` is the id of the token, None for the printed link. `csrf` is the secret that each write with a cookie
    repeats, None for a token. `expires_at` is in seconds since 1970, None if it does not end by itself.
    """

    principal: Principal
    token: str | None
    csrf: str | None = None
    expires_at: float | None = None
