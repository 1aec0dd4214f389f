"""Packages that the plain installation lacks."""

from __future__ import annotations

import importlib.util

from tuner.errors import UsageError

SERVE = ("alembic", "argon2", "fastapi", "httpx", "uvicorn")
"""Packages of the extra `serve`."""


def need_serve(command: str) -> None:
    """Refuse a command that needs the extra `serve`, where it is not installed.

    Raises:
        UsageError: a package is missing.
    """
    if missing := missing_for_serve():
        raise UsageError(f"{command} needs further packages ({missing}): pip install 'tuner[serve]'")


def missing_for_serve() -> str:
    """Return a package of the extra `serve` that is not installed; empty if all are."""
    return next((name for name in SERVE if importlib.util.find_spec(name) is None), "")
