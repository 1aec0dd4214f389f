"""Uploads: a folder of data, of which only contents that the server lacks are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner.client.http_connection import Connection, path
from tuner.errors import UsageError
from tuner.service.schemas import DatasetView, MissingView

AT_ONCE = 10_000
"""Contents that one question names."""


def upload(connection: Connection, folder: Path, name: str) -> DatasetView:
    """Send a folder of data.

    Args:
        connection: to the server.
        folder: the folder; hidden files stay behind.
        name: what the server calls it.

    Raises:
        UsageError: there is no such folder, or it has no files.
    """
    files = {file.relative_to(folder).as_posix(): file for file in _files_in(folder)}
    if not files:
        raise UsageError(f"{folder}: is no folder with files; name another one")
    digests = {place: _digest(file) for place, file in files.items()}
    by_digest = {digest: files[place] for place, digest in digests.items()}
    for digest in _missing(connection, by_digest):
        connection.put_file(path("uploads", digest), by_digest[digest])
    answer = connection.post("/datasets", {"name": name, "files": digests})
    return DatasetView.model_validate(answer)


def _files_in(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts):
            yield file


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _missing(connection: Connection, known: Mapping[str, Path]) -> Iterator[str]:
    for start in range(0, len(known), AT_ONCE):
        asked = list(known)[start : start + AT_ONCE]
        answer = connection.post(path("uploads", "missing"), {"digests": asked})
        yield from MissingView.model_validate(answer).missing
