"""HTTP to public addresses alone: what others name must not reach the network of this machine.

The name is resolved here, and the socket connects to the address that was checked. So no second answer of a name
server leads elsewhere.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import urllib.request
from typing import Any

NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses that a gateway translates: the last 32 bits are the IPv4 address (RFC 6052)."""


MOST_ADDRESSES = 3
"""Number of addresses of a name that are tried at most: each may take the whole timeout."""


class PrivateAddress(OSError):
    """A name stands for an address of this machine or of its network."""


def handlers() -> list[urllib.request.BaseHandler]:
    """Return handlers for `urllib.request.build_opener` that connect to public addresses alone, and use no proxy."""
    return [urllib.request.ProxyHandler({}), _HttpHandler(), _HttpsHandler()]


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the internet, and not of this machine.

    Loopback, private, link-local, multicast and reserved ones are not.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast and not is_own(str(found))


def is_own(address: str) -> bool:
    """Return whether an IP address is one of this machine: packets to it would have it as their source too."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # of UDP: nothing is sent
            return ipaddress.ip_address(probe.getsockname()[0]) == ipaddress.ip_address(address)
    except OSError:  # there is no way to it
        return False


def connected(host: str, port: int, timeout: float | None) -> socket.socket:
    """Return a socket to a public address of a host.

    Raises:
        PrivateAddress: the host has none.
        OSError: it cannot be reached.
    """
    known = [place[0] for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    public = [str(address) for address in known if is_public(str(address))][:MOST_ADDRESSES]
    if not public:
        raise PrivateAddress("its address is one of the server's own network")
    for address in public[:-1]:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError:  # a name with several addresses: one of the others may answer
            continue
    return socket.create_connection((public[-1], port), timeout)


class _PromptAnswer(http.client.HTTPResponse):
    """An answer whose head is whole within the timeout. Else a receiver that sends it byte by byte takes for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._connected = sock

    def begin(self) -> None:
        """Read the head; hang up when the time is over."""
        timer = threading.Timer(self._connected.gettimeout() or 0.0, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            super().begin()
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):  # the receiver was quicker
            self._connected.shutdown(socket.SHUT_RDWR)


class _Http(http.client.HTTPConnection):
    response_class = _PromptAnswer

    def connect(self) -> None:
        """Connect to a public address."""
        self.sock = connected(self.host, self.port, self.timeout)


class _Https(http.client.HTTPSConnection):
    response_class = _PromptAnswer

    def connect(self) -> None:
        """Connect to a public address, whose certificate must be that of the host."""
        plain = connected(self.host, self.port, self.timeout)
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of http."""
        return self.do_open(_Http, request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Open an address of https."""
        return self.do_open(_Https, request)
