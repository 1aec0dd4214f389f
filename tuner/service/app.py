"""The application: routes, middleware and what lives as long as the server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, FastAPI

from tuner.service import problems
from tuner.service.api import health, snapshots
from tuner.service.database import Database
from tuner.service.jobs import Jobs
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions

API = "/api/v1"

RESOURCES: tuple[APIRouter, ...] = (snapshots.router,)
"""The routes below `/api/v1`, one file a resource."""


def create_app(options: ServerOptions) -> FastAPI:
    """Return the application of a server. Its lifespan opens the database and runs the queue."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(options.storage)
        with database.served():
            database.upgrade()
            app.state.server = Server(options, database, Jobs(database))
            yield

    app = FastAPI(
        title="tuner",
        summary="Hyperparameter tuning for PyTorch",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    problems.install(app)
    app.include_router(health.router)
    for router in RESOURCES:
        app.include_router(router, prefix=API)
    return app
