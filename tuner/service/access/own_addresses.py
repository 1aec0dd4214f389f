"""The names of a server: which Host and Origin headers are its own. A page of another site has neither."""

from __future__ import annotations

import functools
import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from tuner.errors import UsageError
from tuner.service.server_options import ServerOptions

DEFAULT_PORTS = {"http": 80, "https": 443}


class OwnAddresses:
    """The names under which a server is reached: this machine's, any address in digits, and those of `--origin`.

    An address in digits is safe: another site can point its own name at this machine, but not an address.

    Args:
        options: of the server.

    Raises:
        UsageError: an origin is not `https://NAME` or `http://NAME:PORT`.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._origins = frozenset(map(_origin, options.origins))
        named = {host for _, host, _ in self._origins} | {
            options.host.lower(),
            "localhost",
            socket.gethostname().lower(),
        }
        self._hosts = frozenset(named)

    def is_host(self, header: str) -> bool:
        """Return whether a Host header names this server."""
        host = _split(f"http://{header}")
        return host is not None and (host[1] in self._hosts or _is_digits(host[1]))

    def is_origin(self, header: str, scheme: str, host: str) -> bool:
        """Return whether an Origin header is this server.

        Args:
            header: its text.
            scheme: http or https, of the request.
            host: the Host header of the request.
        """
        origin = _split(header)
        return origin is not None and (origin in self._origins or origin == _split(f"{scheme}://{host}"))


def _origin(text: str) -> tuple[str, str, int]:
    found = _split(text.rstrip("/"))
    if found is None:
        raise UsageError(f"--origin {text}: must be https://NAME or http://NAME:PORT")
    return found


@functools.lru_cache(maxsize=256)
def _split(address: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for anything that has more, or less."""
    try:
        parts: SplitResult = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    has_more = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or has_more:
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]


def _is_digits(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
