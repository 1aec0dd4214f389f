"""Private names of a library: each is looked up with a check, and a moved one is refused by name."""

from __future__ import annotations

from typing import Any

from tuner.errors import TunerError


def internal(owner: Any, name: str, library: str) -> Any:
    """Return a private attribute of a library.

    Args:
        owner: the module or class that has it.
        name: the attribute.
        library: its name and version, for the error.

    Raises:
        TunerError: this version of the library has none of that name.
    """
    try:
        return getattr(owner, name)
    except AttributeError:
        place = getattr(owner, "__name__", type(owner).__name__)
        raise TunerError(f"{library} has no {place}.{name}, which tuner needs: install a version it supports") from None
