"""Ask and tell: the routes of remote workers."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Header, Path, Query, Request, Response

from tuner.service.access.roles import Principal
from tuner.service.api.needs import CurrentServer, Member
from tuner.service.problems import Refused, responses
from tuner.service.remote.leased_study import LeasedStudy, NoneNow
from tuner.service.remote.study_work import work
from tuner.service.schemas import (
    AskBody,
    CompleteBody,
    EndView,
    EpochsBody,
    FailBody,
    ReleaseBody,
    TaskView,
    VerdictView,
)
from tuner.service.server import Server

CHECKPOINT_BYTES = 128 * 2**20
"""Maximum size of a checkpoint."""

LARGEST = 2**31 - 1
OCTETS = "application/octet-stream"

router = APIRouter(tags=["remote trials"])
Number: TypeAlias = Annotated[int, Path(ge=0, le=LARGEST)]
AttemptOf: TypeAlias = Annotated[int, Query(ge=1, le=LARGEST, description="The attempt that the worker has.")]
Key: TypeAlias = Annotated[
    str, Header(alias="Idempotency-Key", max_length=200, description="The same key gives the same trial again.")
]


@router.post(
    "/studies/{name}/ask",
    operation_id="ask",
    response_model=TaskView,
    responses={
        204: {"description": "No trial now, or the study is suspended; ask again after `Retry-After` seconds."},
        **responses(401, 403, 404, 410, 422, 503),
    },
)
async def ask(name: str, body: AskBody, server: CurrentServer, user: Member, key: Key = "") -> Response:
    """Lease the next trial to a worker."""
    told = work(user, LeasedStudy.ask, body, user.name, key)
    task = await server.remote.call(name, told, asks=True)
    if isinstance(task, NoneNow):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Retry-After": str(task.seconds)})
    return Response(task.model_dump_json(), media_type="application/json")


@router.post(
    "/studies/{name}/trials/{number}/epochs",
    operation_id="report",
    response_model=VerdictView,
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def report(name: str, number: Number, body: EpochsBody, server: CurrentServer, user: Member) -> Response:
    """Report epochs, and return whether to go on."""
    return await reported(server, user, name, number, body)


REPORT = router.routes[-1]
"""The route of reports."""


async def reported(server: Server, user: Principal, name: str, number: int, body: EpochsBody) -> Response:
    """Record epochs, and return the answer with the verdict.

    Raises:
        Refused: the study is not the user's, or takes none of it.
        TunerError: the study cannot be opened, or the database cannot be used.
    """
    told = work(user, LeasedStudy.report, number, body.attempt, body.epochs)
    verdict = await server.remote.call(name, told)
    return Response(b'{"verdict":"%s"}' % verdict.value.encode(), media_type="application/json")


@router.post(
    "/studies/{name}/trials/{number}/complete",
    operation_id="complete",
    response_model=EndView,
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def complete(name: str, number: Number, body: CompleteBody, server: CurrentServer, user: Member) -> EndView:
    """End a trial that was trained to its end."""
    told = work(user, LeasedStudy.complete, number, body.attempt, body.values)
    return await server.remote.call(name, told)


@router.post(
    "/studies/{name}/trials/{number}/fail",
    operation_id="fail",
    response_model=EndView,
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def fail(name: str, number: Number, body: FailBody, server: CurrentServer, user: Member) -> EndView:
    """End a trial by an exception of its worker."""
    told = work(user, LeasedStudy.fail, number, body.attempt, body.cause, body.traceback)
    return await server.remote.call(name, told)


@router.post(
    "/studies/{name}/trials/{number}/release",
    operation_id="release",
    response_model=EndView,
    responses=responses(401, 403, 404, 409, 422, 503),
)
async def release(name: str, number: Number, body: ReleaseBody, server: CurrentServer, user: Member) -> EndView:
    """Give a trial back, so that a worker goes on with it later."""
    told = work(user, LeasedStudy.release, number, body.attempt)
    return await server.remote.call(name, told)


@router.put(
    "/studies/{name}/trials/{number}/checkpoint",
    operation_id="saveCheckpoint",
    status_code=204,
    response_class=Response,
    responses=responses(401, 403, 404, 409, 413, 422, 503),
    openapi_extra={"requestBody": {"content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def save_checkpoint(
    name: str, number: Number, attempt: AttemptOf, request: Request, server: CurrentServer, user: Member
) -> Response:
    """Save the state of a trial, from which its next attempt goes on."""
    state = await _limited(request)
    checkpoints = await server.remote.call(name, work(user, LeasedStudy.hold, number, attempt))
    staged = await asyncio.to_thread(checkpoints.stage, number, state)
    try:  # the lease may have ended meanwhile
        await server.remote.call(name, work(user, LeasedStudy.keep, number, attempt, staged))
    finally:
        await asyncio.to_thread(staged.unlink, missing_ok=True)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/studies/{name}/trials/{number}/checkpoint",
    operation_id="loadCheckpoint",
    response_class=Response,
    responses={
        200: {
            "description": "The checkpoint.",
            "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        },
        **responses(401, 403, 404, 409, 422, 503),
    },
)
async def load_checkpoint(
    name: str, number: Number, attempt: AttemptOf, server: CurrentServer, user: Member
) -> Response:
    """Return the last checkpoint of a trial."""
    told = work(user, LeasedStudy.hold, number, attempt)
    checkpoints = await server.remote.call(name, told)
    state = await asyncio.to_thread(checkpoints.load, number)
    if state is None:
        raise Refused(HTTPStatus.NOT_FOUND, f"trial {number} has no checkpoint; train it from the start")
    return Response(state, media_type=OCTETS)


async def _limited(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        Refused: it is too large.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > CHECKPOINT_BYTES:
            detail = f"the checkpoint has more than {CHECKPOINT_BYTES >> 20} MiB; store it elsewhere, and save its name"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        parts.append(part)
    return b"".join(parts)
