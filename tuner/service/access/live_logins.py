"""The tokens and logins that count at a moment, as read from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy

from tuner.service.access.roles import LOCAL, Login, Principal, Role
from tuner.service.database import Database
from tuner.service.service_tables import sessions, tokens, users


@dataclass(frozen=True, slots=True)
class LiveLogins:
    """The tokens by their ids, and the logins of the page by the digests of their cookies. Some may have expired."""

    tokens: Mapping[str, Login]
    sessions: Mapping[str, Login]
    has_users: bool

    @classmethod
    def read(cls, database: Database, has_link: bool) -> LiveLogins:
        """Read those that are not revoked.

        Args:
            database: of the service.
            has_link: whether the printed link is valid while there are no users.

        Raises:
            StorageError: the database cannot be read.
        """
        is_user = users.c.disabled_at.is_(None)
        columns = tokens.c.id, tokens.c.expires_at, users.c.name, users.c.role
        with database.begin() as connection:
            has_users = connection.execute(sqlalchemy.select(users.c.id).where(is_user)).first() is not None
            wanted = sqlalchemy.select(*columns).join(users).where(tokens.c.revoked_at.is_(None), is_user)
            by_token: dict[str | None, Login] = {
                row.id: Login(Principal(row.name, Role.named(row.role)), row.id, None, row.expires_at)
                for row in connection.execute(wanted)
            }
            begun = connection.execute(sqlalchemy.select(sessions)).all()
        if has_link and not has_users:
            by_token[None] = Login(LOCAL, None)
        logins = {
            row.digest: Login(login.principal, login.token, row.csrf, row.expires_at)
            for row in begun
            if (login := by_token.get(row.token_id)) is not None
        }
        return cls({key: login for key, login in by_token.items() if key is not None}, logins, has_users)
