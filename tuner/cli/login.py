"""`tuner login` and `tuner logout`: the token of a server, in a file of the user's own."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from tuner.cli import options
from tuner.cli.views.wrapping import say
from tuner.errors import AuthError, UsageError

LINK = "tuner_local_"
"""How the token of the printed link begins."""

Address = Annotated[str, typer.Argument(metavar="URL", help="The address, or the link that tuner serve prints.")]


def login(url: Address) -> None:
    """Keep the token of a server, so that commands with --server and Python programs use it.

    It is asked for without an echo, and may be the whole link. A pipe or a file can give it on stdin.

    Example: tuner login http://127.0.0.1:8000
    """
    from tuner.client import Client
    from tuner.client.http_connection import place_of
    from tuner.client.login_file import Logins, login_file

    address, token = place_of(url)
    token = token or _asked(address)
    with Client(address, token) as client:
        try:
            user = client.me()
        except AuthError as error:
            if not token.startswith(LINK):
                raise
            reason = "the printed link is valid only while it has none"
            way = "log in with a token of `tuner users add`"
            raise AuthError(f"{address}: has users now, or another link; {reason}; {way}", error.status) from None
    Logins.read().with_login(address, token).write()
    say(f"logged in to {address} as {user.name}, {user.role.value}; the token is in {login_file()}")


def logout(server: options.Server = None) -> None:
    """Delete the token of a server from the file of `tuner login`; without --server, of the last login.

    The token stays valid. An admin can revoke it: tuner users.

    Example: tuner logout
    """
    from tuner.client.http_connection import place_of
    from tuner.client.login_file import Logins

    known = Logins.read()
    address = known.default if server is None else place_of(server)[0]
    if address is None or address not in known.tokens:
        raise UsageError(f"there is no login to {address or 'a server'}")
    known.without(address).write()
    say(f"logged out of {address}; the token is deleted here")


def _asked(address: str) -> str:
    """Return the token that the user types, or that stdin has.

    Raises:
        UsageError: it is empty, or a link without a token.
        ServerError: the server cannot be reached.
    """
    from tuner.client.http_connection import place_of

    _reach(address)
    if sys.stdin.isatty():
        typed = typer.prompt(f"Token for {address}", hide_input=True, err=True)
    else:
        typed = sys.stdin.readline()
    if not (token := str(typed).strip()):
        raise UsageError("the token is empty: type it, or give it on stdin")
    if "://" not in token:
        return token
    if (of_link := place_of(token)[1]) is None:
        raise UsageError("the link has no token: paste the whole link that tuner serve prints, or the token alone")
    return of_link


def _reach(address: str) -> None:
    """Ask a server for something, so that nobody types a token for an address that is wrong.

    Raises:
        ServerError: the server cannot be reached.
    """
    from tuner.client.http_connection import Connection

    connection = Connection(address, None)
    with contextlib.closing(connection), contextlib.suppress(AuthError):  # it answers, which is enough
        connection.get("/me")
