"""A server in the test's own process, clients of it, and users with tokens."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute

from tests.conftest import TINY, until
from tuner.service.access.accounts import Accounts
from tuner.service.access.roles import LOCAL, Principal, Role
from tuner.service.app import create_app
from tuner.service.database import Database
from tuner.service.queue.job_record import JobRecord
from tuner.service.remote.remote_driver import RemoteStudies
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions
from tuner.service.serving import listen

ADDRESS = "http://127.0.0.1:8000"


def app_of(options: ServerOptions) -> FastAPI:
    """Make an application with the routes of all others here: FastAPI would build its own in 0.1 s of requests.

    Its remote studies run in this process, so that tests see their faults and change their constants.
    """
    app = create_app(options, lambda _, database, jobs: RemoteStudies(database, jobs))
    app.router.routes = _routes()
    return app


@functools.cache
def _routes() -> list[BaseRoute]:
    return create_app(ServerOptions()).router.routes


@contextlib.contextmanager
def serve_here(options: ServerOptions) -> Iterator[TestClient]:
    """Yield a client without a login, of a server that runs in this process until the end."""
    with TestClient(app_of(options), base_url=ADDRESS, follow_redirects=False) as client:
        yield client


@contextlib.contextmanager
def logged_in(options: ServerOptions, user: Principal = LOCAL) -> Iterator[TestClient]:
    """Yield a client with the token of a user, who is added; or with that of the printed link."""
    with serve_here(options) as client:
        if user == LOCAL:
            client.headers.update(bearer(server_of(client).authentication.open_link))
        else:
            client.headers.update(with_token(options.storage, user.name, user.role))
        yield client


def server_of(client: TestClient) -> Server:
    """The parts of a client's server."""
    assert isinstance(client.app, FastAPI)
    server: Server = client.app.state.server
    return server


def with_token(url: str, name: str, role: Role = Role.MEMBER, expires_at: float | None = None) -> dict[str, str]:
    """Add a user, and give the header with their token; the database is made where there is none."""
    database = Database(url)
    if not database.is_current:
        database.upgrade()
    accounts = Accounts(database)
    accounts.add(name, role)
    return bearer(accounts.issue(name, expires_at=expires_at)[0])


def bearer(token: object) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def api(path: str) -> str:
    """The address of a route."""
    return f"/api/v1{path}"


def answered(response: Any, status: int = 200) -> Any:
    """The JSON of an answer, which has this status."""
    assert response.status_code == status, response.text
    return response.json()


def job_of(client: TestClient, study: str) -> JobRecord:
    job = server_of(client).jobs.search_of(study)
    assert job is not None
    return job


def submit(client: TestClient, space: str = TINY, status: int = 201, **fields: Any) -> Any:
    """Submit without building models: that is tested once, since it starts a process with torch."""
    return answered(client.post(api("/studies?build=false"), json={"space": space, **fields}), status)


@contextlib.contextmanager
def listening(options: ServerOptions) -> Iterator[str]:
    """Serve on a port from a thread of this process, and yield the link."""
    free = listen(dataclasses.replace(options, port=0))
    app = app_of(dataclasses.replace(options, port=free.getsockname()[1]))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [free]}, daemon=True)
    thread.start()
    until(lambda: server.started or not thread.is_alive(), 60)
    try:
        link = app.state.server.authentication.open_link
        yield f"http://127.0.0.1:{free.getsockname()[1]}/?token={link}"
    finally:
        server.should_exit = True
        thread.join()
        free.close()
