"""The application: routes, middleware and what lives as long as the server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from tuner.runtime.webhook import Reach
from tuner.service import problems
from tuner.service.access.accounts import Accounts
from tuner.service.access.answers import Answers
from tuner.service.access.audit_log import AuditLog
from tuner.service.access.authentication import Authentication
from tuner.service.access.guard import Guard
from tuner.service.access.idempotency import Idempotency
from tuner.service.access.link_token import link_token, refuse_open_port
from tuner.service.api import (
    audit_entries,
    health,
    remote,
    sessions,
    snapshots,
    study_routes,
    users,
    webhooks,
)
from tuner.service.api.report_path import ReportPath
from tuner.service.database import Database
from tuner.service.deleted_files import DeletedFiles
from tuner.service.home_mark import claim_home
from tuner.service.notifications import Notifications
from tuner.service.pages import optuna_pages, page_routes
from tuner.service.pages.page_assets import ADDRESS, PageAssets
from tuner.service.queue.jobs import Jobs
from tuner.service.remote.studies_process import StudiesProcess
from tuner.service.remote.study_work import RemoteCalls
from tuner.service.running.runner import Runner
from tuner.service.server import Server
from tuner.service.server_options import ServerOptions
from tuner.service.submitted.code_gate import CodeGate
from tuner.service.submitted.dataset_store import DatasetStore
from tuner.service.submitted.submissions import Submissions
from tuner.service.telemetry import Telemetry, Timed
from tuner.service.torch_process.torch_side import TorchSide
from tuner.service.upkeep import Upkeep
from tuner.service.views.etags import Tagged
from tuner.service.views.job_views import wait_view
from tuner.service.views.reading import Reading
from tuner.service.views.study_list import StudyList
from tuner.service.views.study_outputs import StudyOutputs
from tuner.service.views.summary_store import SummaryStore

API = "/api/v1"

UNCOMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "text/plain", "application/octet-stream")
"""Logs, which would wait in the compressor while they grow, and weights, which hardly shrink."""

RESOURCES: tuple[APIRouter, ...] = (
    remote.router,  # first, since a route is found by trying each
    *study_routes.ROUTERS,
    snapshots.router,
    webhooks.router,
    sessions.router,
    users.router,
    audit_entries.router,
)
"""The routes below `/api/v1`, one file a resource."""

RemoteStart: TypeAlias = Callable[[ServerOptions, Database, Jobs], RemoteCalls]

ANSWERS = (400, 401, 403, 413, 421, 429, 503)
"""Problems that any of them can have: the guard's, and those of a database that is away."""


def _in_their_own_process(options: ServerOptions, database: Database, jobs: Jobs) -> RemoteCalls:
    return StudiesProcess(database, jobs, options.log_format)


def create_app(options: ServerOptions, remote: RemoteStart = _in_their_own_process) -> FastAPI:
    """Return the application of a server. Its lifespan opens the database and runs the queue.

    Args:
        options: of the server.
        remote: makes what looks after remote studies.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                server = _opened(options, remote, stack)
                await server.remote.start()
            except Exception as error:
                app.state.refusal = error  # for the command, which says it in its own way
                raise
            app.state.server = server
            yield
            await server.remote.stop()
            await run_in_threadpool(server.runner.stop)

    app = FastAPI(
        title="tuner",
        summary="Hyperparameter tuning for PyTorch",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    problems.install(app)
    app.add_middleware(Tagged)
    app.add_middleware(GZipMiddleware, compresslevel=6, exclude_content_types=UNCOMPRESSED)
    app.add_middleware(Idempotency)
    app.add_middleware(ReportPath)
    app.add_middleware(Guard, options=options)
    app.add_middleware(Timed)
    _summarise(health.router)
    app.include_router(health.router)
    app.include_router(page_routes.router)
    app.include_router(optuna_pages.router)
    app.mount(ADDRESS, PageAssets())
    for router in RESOURCES:
        _summarise(router)
        app.include_router(router, prefix=API, responses=problems.responses(*ANSWERS))
    return app


def _summarise(router: APIRouter) -> None:
    """Let the first sentence of each route's docstring be its title in the document of the API."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.summary = (route.endpoint.__doc__ or "").splitlines()[0].partition(". ")[0].removesuffix(".")


def _start(part: Notifications | Upkeep, stack: contextlib.ExitStack) -> None:
    """Start a part of the server, which stops when the stack is closed."""
    part.start()
    stack.callback(part.stop)


def _opened(options: ServerOptions, remote_start: RemoteStart, stack: contextlib.ExitStack) -> Server:
    """Return a server whose queue runs, and that no other one serves until the stack is closed."""
    database = Database(options.storage)
    stack.enter_context(database.served())
    database.upgrade()
    claim_home(database)
    accounts = Accounts(database)
    refuse_open_port(options, accounts.users())
    link = link_token(database.home) if options.is_loopback else None
    jobs = Jobs(database)
    reading = Reading(options.storage)
    torch_side = stack.enter_context(contextlib.closing(TorchSide()))
    submissions = Submissions(options, database.home, reading, jobs, torch_side)
    code_gate = CodeGate(submissions.policy, accounts, options.storage)
    runner = Runner(options, database, jobs, code_gate.refusal)
    jobs.changed = runner.wake
    reach = Reach.ANYWHERE if options.private_webhooks else Reach.PUBLIC
    notifications = Notifications(database, jobs, options.page_of, reach)
    _start(notifications, stack)
    outputs = StudyOutputs(options.storage, torch_side)
    listed = StudyList(reading, jobs, SummaryStore(database), lambda job: wait_view(runner.waits.get(job)))
    listed.start()
    stack.callback(listed.close)
    deleted_files = DeletedFiles(database.home, jobs)
    _start(Upkeep(database, deleted_files, options.audit_days), stack)
    runner.start()
    return Server(
        options=options,
        database=database,
        jobs=jobs,
        runner=runner,
        telemetry=Telemetry(database, options.capacity),
        reading=reading,
        studies=listed,
        torch_side=torch_side,
        outputs=outputs,
        remote=remote_start(options, database, jobs),
        accounts=accounts,
        authentication=Authentication(database, link),
        audit=AuditLog(database),
        answers=Answers(database),
        datasets=DatasetStore(database),
        deleted_files=deleted_files,
        submissions=submissions,
        code_gate=code_gate,
    )
