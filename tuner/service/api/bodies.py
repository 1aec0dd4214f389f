"""Bodies with files: JSON with text files in it, or a form with a part for each file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from tuner.errors import UsageError
from tuner.service.problems import Refused
from tuner.service.schemas import Body
from tuner.service.submitted.submission_folder import MOST_FILES

B = TypeVar("B", bound=Body)

FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class WithFiles(Generic[B]):
    """A body, with the files that came as parts of a form, by their paths."""

    body: B
    files: Mapping[str, bytes]


async def read(request: Request, kind: type[B]) -> WithFiles[B]:
    """Read the body of a request.

    In a form, `space` and other fields are parts. Each part `files` is a file, and its name is its relative path. The
    part `body` may have the fields as JSON.

    Args:
        request: of JSON or a form.
        kind: of the body.

    Raises:
        RequestValidationError: a field is wrong.
        Refused: it is neither.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared == FORM:
        async with request.form(max_files=MOST_FILES + 1, max_fields=200, max_part_size=2**21) as form:
            fields, files = await _parts(form)
        return WithFiles(_validated(kind, fields), files)
    if declared and not (declared == "application/json" or declared.endswith("+json")):
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"{declared}: send application/json or {FORM}")
    try:
        fields = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:  # of JSON, of the encoding, or too deep
        raise UsageError(f"the body is not JSON: {error}") from None
    return WithFiles(_validated(kind, fields), {})


def described(kind: type[Body]) -> dict[str, Any]:
    """Return what OpenAPI says of such a body."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    form = {**schema, "properties": {**schema["properties"], "files": files}}
    content = {"application/json": {"schema": schema}, FORM: {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def _validated(kind: type[B], fields: Any) -> B:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(found) from None


async def _parts(form: FormData) -> tuple[dict[str, Any], dict[str, bytes]]:
    fields: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            if name == "files":
                files[value.filename or ""] = content
            elif name == "space":
                fields |= {"space": _text(content), "file": value.filename or "space.yaml"}
            else:
                raise UsageError(f"{name}: no such file is known; send files as parts called files")
        elif name == "body":
            fields |= _mapping(value)
        else:
            fields[name] = value if name in ("space", "file", "name") else _plain(value)
    return fields, files


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("space: is not UTF-8 text") from None


def _mapping(text: str) -> dict[str, Any]:
    found = _plain(text)
    if not isinstance(found, dict):
        raise UsageError("body: must be a JSON object")
    return found


def _plain(text: str) -> Any:
    """Return a value of a form: JSON where it is, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
