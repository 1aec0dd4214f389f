"""The token of the printed link: the secret of a server on loopback that has no users."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tuner.errors import TunerError, UsageError
from tuner.service.access.accounts import User
from tuner.service.access.credentials import Credential
from tuner.service.server_options import ServerOptions

LINK_ID = "local"
"""The id of the token. Ids of others are hexadecimal."""


def link_token(home: Path) -> Credential:
    """Return the token of a service's folder; the first call makes it. Only its own user can read it.

    Raises:
        TunerError: the file cannot be read or written.
    """
    file = home / "token"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if (kept := _kept(file)) is not None:
            return kept
        file.unlink(missing_ok=True)
        new = Credential.new(LINK_ID)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as writing:
            writing.write(f"{new}\n")
    except OSError as error:
        raise TunerError(f"{file}: cannot be used: {error.strerror}; make its folder writable") from None
    return new


def _kept(file: Path) -> Credential | None:
    """Return the token of a file; None without one. A token that other users can read does not count."""
    if not file.exists() or file.stat().st_mode & 0o077:
        return None
    found = Credential.read(file.read_text().strip())
    return found if found is not None and found.id == LINK_ID else None


def refuse_open_port(options: ServerOptions, users: Sequence[User]) -> None:
    """Refuse to serve other machines without users.

    Raises:
        UsageError: there are no users, and the address is not loopback.
    """
    if options.is_loopback or users:
        return
    raise UsageError(
        f"--host {options.host}: other machines can reach it, and it has no users.\n"
        "Add one first: tuner users add NAME --role admin. Use TLS too: --ssl-certfile and --ssl-keyfile, or a proxy."
    )
