"""Errors over HTTP: problem details (RFC 9457), for each error of tuner and each wrong request."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tuner.errors import SpaceError, StorageError, StudyError, TunerError, UnknownStudy, UsageError
from tuner.service.access.roles import UnknownUser
from tuner.service.invalid_requests import sentences
from tuner.service.schemas import STUDY_ERROR, FaultView, Problem

MEDIA_TYPE = "application/problem+json"


class Refused(Exception):
    """A request that the server refuses.

    Args:
        status: of HTTP.
        detail: one sentence: what is wrong, and what to do.
        headers: of the answer.
    """

    def __init__(self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail
        self.headers = headers
        super().__init__(detail)

    def __reduce__(self) -> tuple[type[Refused], tuple[HTTPStatus, str, dict[str, str] | None]]:
        """Let it travel between processes."""
        return type(self), (self.status, self.detail, self.headers)


def problem(
    status: int,
    detail: str,
    faults: Sequence[FaultView] | None = None,
    headers: dict[str, str] | None = None,
    kind: str = "about:blank",
) -> JSONResponse:
    """Return an answer with problem details."""
    title, listed = HTTPStatus(status).phrase, list(faults or ()) or None
    told = Problem(type=kind, title=title, status=status, detail=detail, faults=listed)
    content = told.model_dump(exclude_none=True)
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error with problem details."""
    app.add_exception_handler(Refused, _known)
    app.add_exception_handler(TunerError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_http)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI says of these answers of a route."""
    content = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {status: {"description": HTTPStatus(status).phrase, "model": Problem, **content} for status in statuses}


def faults_of(error: SpaceError) -> list[FaultView]:
    """Return the faults of a space for an answer."""
    return [
        FaultView(
            line=fault.place.line if fault.place else None,
            column=fault.place.column if fault.place else None,
            path=fault.path,
            message=fault.message,
        )
        for fault in error.faults
    ]


def problem_of(error: Refused | TunerError) -> JSONResponse:
    """Return the answer to an error."""
    match error:
        case Refused():
            return problem(error.status, error.detail, headers=error.headers)
        case SpaceError():
            return problem(422, "The space has faults.", faults_of(error))
        case UnknownStudy() | UnknownUser():
            return problem(404, str(error))
        case StudyError():  # it is there, and its state does not allow that
            return problem(409, str(error), kind=STUDY_ERROR)
        case UsageError():
            return problem(422, str(error))
        case StorageError():
            return problem(503, str(error), headers={"Retry-After": "5"})
        case _:
            return problem(409, str(error))


async def _known(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused | TunerError)
    return problem_of(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    endpoint = getattr(request.scope.get("route"), "endpoint", None)
    return problem(422, sentences(error.errors(), endpoint))


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))
