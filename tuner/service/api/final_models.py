"""`/models`: final models, their files, and predictions for new rows."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, StreamingResponse
from starlette.datastructures import UploadFile

from tuner.errors import UnknownStudy, UsageError
from tuner.service.access.ownership import refuse_others
from tuner.service.api.bodies import FORM, described, read
from tuner.service.api.needs import CurrentServer, Member, Reader
from tuner.service.api.studies import Cursor, Limit
from tuner.service.problems import Refused, responses
from tuner.service.queue.job_record import JobKind, JobRecord
from tuner.service.queue.lifecycle import JobState
from tuner.service.running.driver_command import model_folder
from tuner.service.schemas import ModelView, Page, PredictBody, PredictionView
from tuner.service.server import Server
from tuner.service.views.cursors import part
from tuner.service.views.model_views import files_of, model_view
from tuner.service.views.zip_stream import zipped

router = APIRouter(tags=["models"], prefix="/models")

LONGEST_FILE = 200
"""Bytes of the name of an uploaded file, which file systems limit."""

FILE = "file"
"""The form field of what is to be predicted."""

Id = Annotated[int, InPath(ge=1, le=2**31 - 1, description="The model's number.")]
ZIP: dict[int | str, Any] = {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
BINARY: dict[int | str, Any] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("", operation_id="list_models", responses=responses(401, 422, 503))
def list_models(
    server: CurrentServer,
    user: Reader,
    study: Annotated[str | None, Query(max_length=512, description="Only models of this study.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ModelView]:
    """List final models, the latest first."""
    jobs = list(reversed(server.jobs.all(study=study, kinds=[JobKind.TRAIN])))
    shown, following = part(jobs, lambda job: (-job.id,), limit, cursor)
    views = [model_view(job, server.database.home) for job in shown]
    return Page(items=views, next=following, total=len(jobs))


@router.get("/{id}", operation_id="get_model", responses=responses(401, 404, 422, 503))
def get_model(server: CurrentServer, user: Reader, id: Id) -> ModelView:  # noqa: A002 - the name in the address
    """Return a final model: its scores, its files, and what it takes."""
    return model_view(_job(server, id), server.database.home)


@router.delete("/{id}", status_code=204, operation_id="delete_model", responses=responses(401, 403, 404, 409, 422, 503))
def delete_model(server: CurrentServer, user: Member, id: Id) -> Response:  # noqa: A002
    """Delete a final model with its files. One that is being trained is refused."""
    job = _job(server, id)
    refuse_others(user, job.owner, f"model {id}")
    server.jobs.forget_model(job)
    server.deleted_files.remove([job])
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/{id}/files",
    operation_id="download_model",
    response_class=StreamingResponse,
    responses={**ZIP, **responses(401, 404, 409, 422, 503)},
)
def download_model(server: CurrentServer, user: Reader, id: Id) -> StreamingResponse:  # noqa: A002
    """Return the whole run folder as a zip file, from which `tuner.load_model` reads it."""
    folder = _folder(server, id)
    headers = {"Content-Disposition": f'attachment; filename="model-{id}.zip"'}
    return StreamingResponse(zipped(folder, files_of(folder)), media_type="application/zip", headers=headers)


@router.get(
    "/{id}/files/{path:path}",
    operation_id="download_model_file",
    response_class=FileResponse,
    responses={**BINARY, **responses(401, 404, 409, 422, 503)},
)
def download_model_file(
    server: CurrentServer,
    user: Reader,
    id: Id,  # noqa: A002
    path: Annotated[str, InPath(max_length=1000, description="The path of the file in the run folder.")],
) -> FileResponse:
    """Return one file of the run folder."""
    folder = _folder(server, id)
    if path not in {file.path for file in files_of(folder)}:
        raise UnknownStudy(f"model {id} has no file {path}")
    return FileResponse(folder / path, filename=Path(path).name)


async def _inputs(request: Request) -> PredictBody | tuple[str, bytes]:
    """Return rows, or a file with its name."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return "rows.csv", await request.body()
    if kind != FORM:
        return (await read(request, PredictBody)).body
    async with request.form(max_files=1, max_fields=1) as form:
        for field, value in form.multi_items():
            if field != FILE:
                raise UsageError(f"{field}: there is no such field; send the file as the form field `{FILE}`")
            if isinstance(value, UploadFile) and value.filename:
                name = Path(value.filename).name
                if name in ("", "..") or len(name.encode()) > LONGEST_FILE:
                    raise UsageError(f"{FILE}: needs a file name of 1 to {LONGEST_FILE} bytes")
                return name, await value.read()
    raise UsageError(f"{FILE}: send a CSV file, a JSON-lines file or an image, with its name, as this form field")


def _described_inputs() -> dict[str, Any]:
    """Return what OpenAPI says of the inputs of a prediction: rows as JSON, a CSV text, or one file."""
    found = described(PredictBody)
    file = {"type": "string", "format": "binary", "description": "A CSV file, a JSON-lines file or an image."}
    form = {"type": "object", "properties": {FILE: file}, "required": [FILE], "additionalProperties": False}
    found["requestBody"]["content"] |= {FORM: {"schema": form}, "text/csv": {"schema": {"type": "string"}}}
    return found


@router.post(
    "/{id}/predict",
    operation_id="predict",
    openapi_extra=_described_inputs(),
    responses=responses(400, 401, 403, 404, 409, 413, 415, 422, 503),
)
def predict(
    server: CurrentServer,
    user: Reader,
    id: Id,  # noqa: A002
    given: Annotated[PredictBody | tuple[str, bytes], Depends(_inputs)],
) -> PredictionView:
    """Return predictions for rows as JSON, a CSV file, or an image, as `tuner predict` makes them."""
    folder, job = _folder(server, id), _job(server, id)
    if reason := server.code_gate.refusal_of_model(job, folder):
        raise Refused(HTTPStatus.FORBIDDEN, f"model {id}: {reason}")
    with _file(given, model_view(job, server.database.home)) as file:
        return PredictionView(**server.torch_side.run("predict", str(folder), str(file)))


@contextlib.contextmanager
def _file(given: PredictBody | tuple[str, bytes], model: ModelView) -> Iterator[Path]:
    """Write what is to be predicted into a file, which is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="tuner-predict-") as folder:
        if isinstance(given, tuple):
            file = Path(folder, given[0])
            file.write_bytes(given[1])
        else:
            file = Path(folder, "rows.jsonl")
            file.write_text("".join(f"{json.dumps(row)}\n" for row in _rows(given, model)))
        yield file


def _rows(given: PredictBody, model: ModelView) -> Iterator[dict[str, Any]]:
    """Yield rows as mappings of columns.

    Raises:
        UsageError: the model takes another kind of inputs.
    """
    for row in given.rows:
        match row:
            case dict() if model.inputs in ("table", "numbers"):
                yield row
            case list() if model.inputs == "numbers":
                yield {str(i): value for i, value in enumerate(row)}
            case str() if model.inputs == "texts":
                yield {model.columns[0]: row}
            case dict() if model.inputs == "texts":
                yield row
            case _:
                kind = {"table": "mappings of columns", "numbers": "lists of numbers", "texts": "texts"}
                wanted = kind.get(model.inputs or "")
                file = "an image file" if model.inputs == "images" else "a file"
                takes = f"rows that are {wanted}" if wanted else f"{file}, in the form field `{FILE}`"
                raise UsageError(f"model {model.id} takes {takes}")


def _job(server: Server, number: int) -> JobRecord:
    job = server.jobs.get(number)
    if job.kind is not JobKind.TRAIN:
        raise UnknownStudy(f"there is no model {number}")
    return job


def _folder(server: Server, number: int) -> Path:
    """Return the run folder of a model.

    Raises:
        UnknownStudy: there is no such model.
        Refused: it is not trained yet.
    """
    job = _job(server, number)
    folder = model_folder(server.database.home, number)
    if job.state is not JobState.DONE or not folder.is_dir():
        raise Refused(HTTPStatus.CONFLICT, f"model {number}: is {job.state.value}; it has files once it is done")
    return folder
