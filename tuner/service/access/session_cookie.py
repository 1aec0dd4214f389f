"""The cookie of a login on the page, and the headers of every answer."""

from __future__ import annotations

import math
import time

from starlette.datastructures import MutableHeaders
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


def add_headers(headers: MutableHeaders, is_secure: bool) -> None:
    """Add the usual headers to an answer; over TLS also that browsers shall not use plain HTTP again."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")


def set_cookie(answer: Response, value: str, login: Login, is_secure: bool) -> None:
    """Set the cookie of a new login."""
    seconds = math.ceil((login.expires_at or 0) - time.time())
    answer.set_cookie(SESSION_COOKIE, value, max_age=seconds, httponly=True, samesite="lax", secure=is_secure)


def clear_cookie(answer: Response, is_secure: bool) -> None:
    """Take the cookie back."""
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=is_secure)
