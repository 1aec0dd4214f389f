"""The cookie of a login on the page, and the headers of every answer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from starlette.responses import Response

from tuner.service.access.roles import Login

SESSION_COOKIE = "tuner_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""Headers of every answer that does not set them itself: only this server's own files may run in the page."""

SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'"
)
"""Policy of a report, whose scripts stand in the page: they run without the cookie and cannot reach the server."""


_USUAL = {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
_SECURE = {**_USUAL, b"strict-transport-security": b"max-age=31536000"}


def with_usual(headers: Iterable[tuple[bytes, bytes]], is_secure: bool) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with the usual ones; over TLS also that browsers shall not use plain HTTP."""
    own = list(headers)
    names = {name for name, _ in own}
    return own + [pair for pair in (_SECURE if is_secure else _USUAL).items() if pair[0] not in names]


def set_cookie(answer: Response, value: str, login: Login, is_secure: bool) -> None:
    """Set the cookie of a new login."""
    seconds = math.ceil((login.expires_at or 0) - time.time())
    answer.set_cookie(SESSION_COOKIE, value, max_age=seconds, httponly=True, samesite="lax", secure=is_secure)


def clear_cookie(answer: Response, is_secure: bool) -> None:
    """Take the cookie back."""
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=is_secure)
