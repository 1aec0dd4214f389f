"""`/healthz`, `/readyz` and `/metrics`: whether the server is alive, whether it can work, and its figures."""

from __future__ import annotations

from http import HTTPStatus

import sqlalchemy
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from tuner.service.api.needs import CurrentServer, Reader
from tuner.service.problems import Refused, responses

router = APIRouter(tags=["operation"])


@router.get("/healthz", operation_id="healthz")
async def healthz() -> dict[str, str]:
    """Return at once, as long as the process is alive."""
    return {"status": "alive"}


@router.get("/readyz", operation_id="readyz", responses=responses(503))
def readyz(server: CurrentServer) -> dict[str, str]:
    """Return whether the database answers, and this server alone serves it."""
    if not server.database.is_kept:
        detail = "another server serves the database; stop one of the two"
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "5"})
    with server.database.begin() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
    return {"status": "ready"}


@router.get("/metrics", operation_id="metrics", responses=responses(401, 403, 503), response_class=Response)
def metrics(server: CurrentServer, user: Reader) -> Response:
    """Return figures in Prometheus' text format."""
    return Response(server.telemetry.page(), media_type=CONTENT_TYPE_LATEST)
