"""`/healthz` and `/readyz`: whether the server is alive, and whether it can work."""

from __future__ import annotations

import sqlalchemy
from fastapi import APIRouter

from tuner.service.api.needs import CurrentServer
from tuner.service.problems import responses

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Return at once, as long as the process is alive."""
    return {"status": "alive"}


@router.get("/readyz", responses=responses(503))
def readyz(server: CurrentServer) -> dict[str, str]:
    """Return whether the database answers."""
    with server.database.begin() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
    return {"status": "ready"}
