"""Parse an enum's value at the door of a public function."""

from __future__ import annotations

import enum
from typing import TypeVar

from tuner.errors import UsageError, did_you_mean

Member = TypeVar("Member", bound=enum.Enum)


def member_of(kind: type[Member], value: Member | str, option: str) -> Member:
    """Return the member of an enum that a value names.

    Args:
        kind: an enum whose values are strings.
        value: a member or its value.
        option: the name of the argument in the message.

    Raises:
        UsageError: the enum has no such member.
    """
    try:
        return kind(value)
    except ValueError:
        known = [str(member.value) for member in kind]
        hint = did_you_mean(str(value), known)
        raise UsageError(f"{option} {value}: must be {' or '.join(known)}{hint}") from None
