"""Users and their tokens, as the database stores them. The command line and the routes of the API change them here."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy
from sqlalchemy import Connection

from tuner.errors import TunerError, UsageError
from tuner.service.access.credentials import Credential, digest
from tuner.service.access.roles import LOCAL, Role, UnknownUser
from tuner.service.database import Database
from tuner.service.queue.jobs import SERVICE
from tuner.service.service_tables import deliveries, sessions, tokens, users, webhooks

TAKEN_NAMES = (LOCAL.name, SERVICE)
"""Names that stand for somebody else in the list of jobs and in the audit log."""

_NAME = re.compile(r"[a-z][a-z0-9._@-]{0,79}", re.ASCII)
LONGEST_LABEL = 80


@dataclass(frozen=True, slots=True)
class User:
    """A user of the service. `created_at` is in seconds since 1970."""

    name: str
    role: Role
    created_at: float


@dataclass(frozen=True, slots=True)
class StoredToken:
    """What the database stores of a token, without its digest. Times are seconds since 1970.

    `used_at` is exact to a minute.
    """

    id: str
    user: str
    label: str
    created_at: float
    expires_at: float | None
    used_at: float | None


class Accounts:
    """The users in a database. Any thread, and any process, may call it.

    Args:
        database: of the service.
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def users(self) -> Sequence[User]:
        """Return the users by name."""
        wanted = sqlalchemy.select(users).where(users.c.disabled_at.is_(None)).order_by(users.c.name)
        with self._database.begin() as connection:
            rows = connection.execute(wanted).all()
        return [User(row.name, Role.named(row.role), row.created_at) for row in rows]

    def get(self, name: str) -> User:
        """Return a user.

        Raises:
            UnknownUser: there is none of that name.
        """
        with self._database.begin() as connection:
            row = connection.execute(sqlalchemy.select(users).where(*_is(name))).first()
        if row is None:
            raise _unknown(name)
        return User(row.name, Role.named(row.role), row.created_at)

    def add(self, name: str, role: Role) -> User:
        """Add a user. One who was removed comes back, with another role and without the old tokens.

        Raises:
            UsageError: the name is not fit for one.
            TunerError: it is taken.
        """
        if not _NAME.fullmatch(name):
            message = "must be 1 to 80 characters of a-z, 0-9, '.', '_', '@' and '-', a letter first"
            raise UsageError(f"user {name!r}: {message}")
        if name in TAKEN_NAMES:
            raise UsageError(f"user {name}: the service itself uses this name; take another one")
        now = self._clock()
        values = {"role": role.name.lower(), "created_at": now, "disabled_at": None}
        with self._database.begin() as connection:
            row = connection.execute(sqlalchemy.select(users).where(users.c.name == name)).first()
            if row is None:
                connection.execute(users.insert().values(name=name, **values))
            elif row.disabled_at is None:
                raise TunerError(f"user {name}: is there already; take another name, or change the role")
            else:
                connection.execute(users.update().where(users.c.id == row.id).values(**values))
        return User(name, role, now)

    def refuse_first(self, role: Role) -> None:
        """Refuse to add a user of this role where it would leave the service without an admin.

        Raises:
            TunerError: there is no admin yet, and this is not one.
        """
        if role is not Role.ADMIN and all(user.role is not Role.ADMIN for user in self.users()):
            raise TunerError("the first user must have the role admin: with a user, the printed link ends")

    def change_role(self, name: str, role: Role) -> User:
        """Give a user another role.

        Raises:
            UnknownUser: there is none of that name.
            TunerError: the others would have no admin.
        """
        if role is not Role.ADMIN:
            self._keep_an_admin(name)
        with self._database.begin() as connection:
            changed = connection.execute(users.update().where(*_is(name)).values(role=role.name.lower()))
        if not changed.rowcount:
            raise _unknown(name)
        return self.get(name)

    def remove(self, name: str) -> None:
        """Remove a user with all tokens, logins and webhooks. Studies stay theirs.

        Raises:
            UnknownUser: there is none of that name.
            TunerError: the others would have no admin.
        """
        self._keep_an_admin(name)
        with self._database.begin() as connection:
            number = _number(connection, name)
            theirs = sqlalchemy.select(tokens.c.id).where(tokens.c.user_id == number)
            connection.execute(sessions.delete().where(sessions.c.token_id.in_(theirs)))
            connection.execute(tokens.delete().where(tokens.c.user_id == number))
            connection.execute(users.update().where(users.c.id == number).values(disabled_at=self._clock()))
            connection.execute(webhooks.delete().where(webhooks.c.owner == name))
            waiting = deliveries.update().where(deliveries.c.owner == name, deliveries.c.next_at.is_not(None))
            connection.execute(waiting.values(next_at=None, given_up_at=self._clock(), error="the user was removed"))

    def _keep_an_admin(self, name: str) -> None:
        """Refuse that the other users, if there are some, are left without an admin."""
        users = self.users()
        admins = {user.name for user in users if user.role is Role.ADMIN}
        if admins == {name} and len(users) > 1:
            raise TunerError(f"user {name}: is the only admin; make another user admin first: tuner users role")

    def issue(self, name: str, label: str = "", expires_at: float | None = None) -> tuple[Credential, StoredToken]:
        """Make a token. Only its digest is stored: the caller shows it once.

        Args:
            name: of the user.
            label: what it is for.
            expires_at: seconds since 1970; None never expires.

        Raises:
            UnknownUser: there is none of that name.
            UsageError: the label is too long.
        """
        if len(label) > LONGEST_LABEL or (label and not label.isprintable()):
            raise UsageError(f"label: must have at most {LONGEST_LABEL} printable characters")
        new = Credential.new()
        stored = StoredToken(new.id, name, label, self._clock(), expires_at, None)
        values = {"id": new.id, "label": label, "digest": digest(new.secret), "created_at": stored.created_at}
        with self._database.begin() as connection:
            number = _number(connection, name)
            connection.execute(tokens.insert().values(user_id=number, expires_at=expires_at, **values))
        return new, stored

    def tokens(self, name: str) -> Sequence[StoredToken]:
        """Return the tokens of a user that are not revoked, the oldest first; those that expired too.

        Raises:
            UnknownUser: there is no user of that name.
        """
        columns = [tokens.c[key] for key in ("id", "label", "created_at", "expires_at", "used_at")]
        with self._database.begin() as connection:
            wanted = sqlalchemy.select(*columns).where(
                tokens.c.user_id == _number(connection, name), tokens.c.revoked_at.is_(None)
            )
            rows = connection.execute(wanted.order_by(tokens.c.created_at)).all()
        return [StoredToken(user=name, **row._mapping) for row in rows]

    def owner_of(self, number: str) -> str:
        """Return the name of a token's user.

        Raises:
            UnknownUser: there is no such token, or it is revoked.
        """
        wanted = sqlalchemy.select(users.c.name).join(tokens, tokens.c.user_id == users.c.id)
        with self._database.begin() as connection:
            found = connection.execute(wanted.where(tokens.c.id == number, tokens.c.revoked_at.is_(None))).scalar()
        if found is None:
            raise UnknownUser(f"token {number}: there is none, or it is revoked already")
        return str(found)

    def revoke(self, number: str, of: str | None = None) -> None:
        """Revoke a token, and end the logins that began with it.

        Args:
            number: the token's id.
            of: only if it is a token of this user.

        Raises:
            UnknownUser: there is no such token, or it is revoked.
        """
        if (owner := self.owner_of(number)) != (of or owner):
            raise UnknownUser(f"token {number}: {of} has none of this id")
        with self._database.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.token_id == number))
            connection.execute(tokens.update().where(tokens.c.id == number).values(revoked_at=self._clock()))


def _is(name: str) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return users.c.name == name, users.c.disabled_at.is_(None)


def _number(connection: Connection, name: str) -> int:
    found = connection.execute(sqlalchemy.select(users.c.id).where(*_is(name))).scalar()
    if found is None:
        raise _unknown(name)
    return int(found)


def _unknown(name: str) -> UnknownUser:
    return UnknownUser(f"user {name}: there is none; `tuner users list` shows all")
