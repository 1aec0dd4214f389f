"""A webhook: JSON that is posted to an address, signed with a secret if there is one."""

from __future__ import annotations

import enum
import hashlib
import hmac
import http.client
import urllib.error
import urllib.request

from tuner.errors import TunerError
from tuner.runtime import public_network
from tuner.runtime.public_network import PrivateAddress

ANSWER_SECONDS = 10
"""Seconds for which a receiver may take to answer."""

SIGNATURE = "X-Tuner-Signature"
"""The header with `sha256=` and the HMAC of the body, in hexadecimal digits."""


class Reach(enum.Enum):
    """Which addresses a webhook may have."""

    ANYWHERE = enum.auto()
    PUBLIC = enum.auto()
    """None of this machine or of its network."""


class Undelivered(TunerError):
    """A receiver did not take a message. It may be sent again, unless `final`.

    Args:
        message: what happened.
        final: whether the receiver refused it for good.
    """

    def __init__(self, message: str, final: bool = False) -> None:
        self.final = final
        super().__init__(message)


def post(url: str, body: bytes, secret: str | None = None, reach: Reach = Reach.ANYWHERE) -> None:
    """Post a JSON body, and wait for the answer.

    Args:
        url: http or https.
        body: JSON in UTF-8.
        secret: signs the body.
        reach: the addresses that may be called.

    Raises:
        Undelivered: the receiver cannot be reached, or answers with an error. Redirects are not followed.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "tuner"}
    if secret is not None:
        headers[SIGNATURE] = signature(body, secret)
    request = urllib.request.Request(url, body, headers)
    try:
        with _OPENERS[reach].open(request, timeout=ANSWER_SECONDS):
            return
    except urllib.error.HTTPError as error:
        final = 300 <= error.code < 500 and error.code not in (408, 425, 429)
        raise Undelivered(f"{_host(request)} answers {error.code} {error.reason}", final) from None
    except (OSError, http.client.HTTPException, OverflowError, UnicodeError) as error:  # the last two: no port, no host
        reason = getattr(error, "reason", None) or error
        final = isinstance(reason, PrivateAddress)
        hint = "; only --allow-private-webhooks calls it" if final else ""
        raise Undelivered(f"{_host(request)} cannot be reached: {reason}{hint}", final) from None


def signature(body: bytes, secret: str) -> str:
    """Return the signature of a body, which a receiver compares with that in the header."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _host(request: urllib.request.Request) -> str:
    """Return the host alone: the path of a webhook is often its secret."""
    return f"webhook at {request.host}"


class _Direct(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a POST would become a GET, elsewhere."""

    def redirect_request(self, *_: object) -> None:
        """Return None, so that the redirect is an error."""
        return


_OPENERS = {
    Reach.ANYWHERE: urllib.request.build_opener(_Direct),
    Reach.PUBLIC: urllib.request.build_opener(_Direct, *public_network.handlers()),
}
