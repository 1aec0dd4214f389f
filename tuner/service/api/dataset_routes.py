"""`/uploads` and `/datasets`: data for spaces. A content that the server has is not sent again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from tuner.service.access.ownership import refuse_others
from tuner.service.api.needs import CurrentServer, Member, Reader
from tuner.service.api.studies import Cursor, Limit
from tuner.service.problems import responses
from tuner.service.schemas import DatasetBody, DatasetView, DigestsBody, FileView, MissingView, Page
from tuner.service.server import Server
from tuner.service.submitted.dataset_store import Dataset
from tuner.service.views.cursors import part
from tuner.service.views.json_values import moment_of

router = APIRouter(tags=["data"])

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The sha256 of the content, in hexadecimal.")]
DatasetName = Annotated[str, Path(max_length=80, description="The name of the dataset.")]
CONTENT = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.post("/uploads/missing", operation_id="missing_contents", responses=responses(401, 403, 422))
def missing_contents(server: CurrentServer, user: Member, body: DigestsBody) -> MissingView:
    """Return which of these contents the server lacks."""
    return MissingView(missing=server.datasets.missing(body.digests))


@router.put(
    "/uploads/{digest}",
    operation_id="upload_content",
    status_code=204,
    openapi_extra=CONTENT,
    responses=responses(401, 403, 413, 422, 503),
)
async def upload_content(server: CurrentServer, user: Member, digest: Digest, request: Request) -> Response:
    """Store a content."""
    await server.datasets.put(digest, request.stream())
    return Response(status_code=204)


@router.post("/datasets", operation_id="add_dataset", status_code=201, responses=responses(401, 403, 409, 422, 503))
def add_dataset(server: CurrentServer, user: Member, body: DatasetBody, response: Response) -> DatasetView:
    """Make a dataset of uploaded contents."""
    made = server.datasets.add(body.name, user.name, body.files)
    response.headers["Location"] = f"/api/v1/datasets/{made.name}"
    return _view(server, made)


@router.get("/datasets", operation_id="list_datasets", responses=responses(401, 422, 503))
def list_datasets(server: CurrentServer, user: Reader, limit: Limit = 100, cursor: Cursor = None) -> Page[DatasetView]:
    """List uploaded data by name, without their files."""
    every = server.datasets.all()
    shown, following = part(every, lambda each: (each.name,), limit, cursor)
    return Page(items=[_view(server, each, files=False) for each in shown], next=following, total=len(every))


@router.get("/datasets/{name}", operation_id="get_dataset", responses=responses(401, 404, 422, 503))
def get_dataset(server: CurrentServer, user: Reader, name: DatasetName) -> DatasetView:
    """Return uploaded data, with their files."""
    return _view(server, server.datasets.get(name))


@router.delete(
    "/datasets/{name}", operation_id="delete_dataset", status_code=204, responses=responses(401, 403, 404, 422, 503)
)
def delete_dataset(server: CurrentServer, user: Member, name: DatasetName) -> Response:
    """Delete uploaded data. Studies that use them fail from then on."""
    refuse_others(user, server.datasets.get(name).owner, f"dataset {name}")
    server.datasets.delete(name)
    return Response(status_code=204)


def _view(server: Server, dataset: Dataset, files: bool = True) -> DatasetView:
    sizes = server.datasets.sizes(dataset) if files else {}
    return DatasetView(
        name=dataset.name,
        owner=dataset.owner,
        created=moment_of(dataset.created_at),
        size=dataset.size,
        files=[FileView(path=path, size=size) for path, size in sizes.items()],
        root=str(dataset.folder),
    )
