"""optuna-dashboard behind the login of the service, to read. What changes something has no route here.

Its page and its script come from its package. What it asks for is answered on the other side, since its import takes
seconds and memory.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from tuner.errors import UsageError
from tuner.service.api.needs import CurrentServer, Reader

router = APIRouter(include_in_schema=False)

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; style-src 'self' data: 'unsafe-inline'; "
    "script-src 'self' 'unsafe-eval'; base-uri 'none'; frame-ancestors 'none'"
)
"""As optuna-dashboard sets it: its parallel coordinates need WebGL, which evaluates code."""


@router.get("/dashboard")
@router.get("/dashboard/{rest:path}")
async def dashboard(user: Reader, rest: str = "") -> FileResponse:
    """Return the page of optuna-dashboard; its script shows what the address names."""
    return FileResponse(package() / "index.html", headers={"Content-Security-Policy": POLICY})


@router.get("/static/bundle.js")
async def bundle(user: Reader) -> FileResponse:
    """Return the script of optuna-dashboard."""
    return FileResponse(package() / "public" / "bundle.js")


@router.get("/api/meta")
@router.get("/api/studies")
@router.get("/api/studies/{rest:path}")
def answer(user: Reader, server: CurrentServer, request: Request, rest: str = "") -> Response:
    """Return what optuna-dashboard answers."""
    address = request.url.path, request.url.query
    status, kind, body = server.torch_side.run("optuna_answer", server.options.storage, *address, seconds=60.0)
    return Response(body, status, media_type=kind)


def package() -> Path:
    """Return the folder of optuna-dashboard, without an import.

    Raises:
        UsageError: it is not installed.
    """
    found = importlib.util.find_spec("optuna_dashboard")
    if found is None or found.origin is None:
        raise UsageError("optuna-dashboard is not installed: pip install optuna-dashboard")
    return Path(found.origin).parent
