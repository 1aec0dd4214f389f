"""`POST /check` and `POST /studies`: a space comes in, is checked, and is queued."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response

from tuner.errors import StudyError, UsageError
from tuner.service.api.bodies import WithFiles, described, read
from tuner.service.api.needs import CurrentServer, Member
from tuner.service.api.studies import Name
from tuner.service.problems import responses
from tuner.service.running.driver_command import SPACE_FILE
from tuner.service.schemas import CheckBody, CheckView, ForkBody, StudyView, SubmitBody
from tuner.service.server import Server
from tuner.service.submitted.submission_folder import contents_of
from tuner.space import Space
from tuner.study.fork import forked

router = APIRouter(tags=["studies"])

Build = Annotated[bool, Query(description="Whether to load the data and build models; without it, only the language.")]


async def _check_body(request: Request) -> WithFiles[CheckBody]:
    return await read(request, CheckBody)


async def _submit_body(request: Request) -> WithFiles[SubmitBody]:
    return await read(request, SubmitBody)


async def _fork_body(request: Request) -> WithFiles[ForkBody]:
    return await read(request, ForkBody)


@router.post(
    "/check",
    operation_id="check_space",
    openapi_extra=described(CheckBody),
    responses=responses(401, 403, 409, 413, 415, 422, 503),
)
def check_space(
    server: CurrentServer,
    user: Member,
    given: Annotated[WithFiles[CheckBody], Depends(_check_body)],
    build: Build = True,
) -> CheckView:
    """Check a space without starting anything: its parameters, its data and its first model."""
    files = {**_files_of_parent(server, given.body), **given.files}
    with server.submissions.placed(given.body, given.body.space, files, user) as placed:
        return server.submissions.check(placed, given.body, build)


@router.post(
    "/studies",
    operation_id="submit_study",
    status_code=201,
    openapi_extra=described(SubmitBody),
    responses=responses(401, 403, 409, 413, 415, 422, 503),
)
def submit_study(
    server: CurrentServer,
    user: Member,
    response: Response,
    given: Annotated[WithFiles[SubmitBody], Depends(_submit_body)],
    build: Build = True,
) -> StudyView:
    """Queue a study. A space with faults is refused with all of them at their lines."""
    with server.submissions.placed(given.body, given.body.space, given.files, user) as placed:
        submission = server.submissions.submission(placed, given.body, user)
        if build:
            server.submissions.check(placed, given.body, build)
        server.submissions.submit(submission, placed.folder)
    return _made(server, placed.name, response)


@router.post(
    "/studies/{name}/fork",
    operation_id="fork_study",
    status_code=201,
    openapi_extra=described(ForkBody),
    responses=responses(401, 403, 404, 409, 413, 415, 422, 503),
)
def fork_study(
    server: CurrentServer,
    user: Member,
    name: Name,
    response: Response,
    given: Annotated[WithFiles[ForkBody], Depends(_fork_body)],
    build: Build = True,
) -> StudyView:
    """Queue a new study that begins with all trials of another that still fit. Its space may differ."""
    text, files = _origin(server, name)
    body = given.body
    text = text if body.space is None else body.space
    with server.submissions.placed(body, text, {**files, **given.files}, user) as placed:
        submission = server.submissions.submission(placed, body, user, fork_of=name)
        forked(server.results(name).study, placed.space)  # or its driver would find that no trial fits
        if build:
            server.submissions.check(placed, body, build)
        server.submissions.submit(submission, placed.folder)
    return _made(server, placed.name, response)


def _origin(server: Server, name: str) -> tuple[str, dict[str, bytes]]:
    """Return the space of a study and the files beside it, as they were submitted.

    Raises:
        StudyError: there is no such study, or it has no space or no trials yet.
    """
    study = server.results(name).study
    if not study.made_here:
        raise StudyError(f"study {name}: another program made it; it has no space to fork")
    job = server.jobs.search_of(name)
    if job is None or not job.folder:
        return study.space.text, {}
    return Space.load(f"{job.folder}/{SPACE_FILE}").text, contents_of(job.folder)


def _files_of_parent(server: Server, body: CheckBody) -> dict[str, bytes]:
    """Return the files beside the space of the study that a body would fork.

    Raises:
        UsageError: there is no such study, or it has no space.
    """
    if body.fork_of is None:
        return {}
    try:
        return _origin(server, body.fork_of)[1]
    except StudyError as error:  # the request itself names another study
        raise UsageError(f"fork_of: {error}") from None


def _made(server: Server, name: str, response: Response) -> StudyView:
    response.headers["Location"] = f"/api/v1/studies/{quote(name, safe='')}"
    return server.studies.one(name)
