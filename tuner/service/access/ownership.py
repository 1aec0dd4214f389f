"""Ownership: who may change what."""

from __future__ import annotations

from http import HTTPStatus

from tuner.service.access.roles import Principal
from tuner.service.problems import Refused


def refuse_others(user: Principal, owner: str, thing: str) -> None:
    """Refuse a user who changes what belongs to another.

    Raises:
        Refused: the user is neither the owner nor an admin.
    """
    if not user.may_change(owner):
        told = f"belongs to {owner}; {owner} or an admin" if owner else "belongs to no user; an admin"
        raise Refused(HTTPStatus.FORBIDDEN, f"{thing} {told} can change it")
