"""Uploads: a folder of data, of which only contents that the server lacks are sent."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tuner.client.http_connection import Connection, path
from tuner.errors import UsageError
from tuner.service.schemas import DatasetView, MissingView

AT_ONCE = 10_000
"""Contents that one question names."""

NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""What a dataset may be called."""

Seen = Callable[[int, int], None]
"""Takes the bytes that are sent, and those to send in all."""


def upload(connection: Connection, folder: Path, name: str, seen: Seen) -> DatasetView:
    """Send a folder of data.

    Args:
        connection: to the server.
        folder: the folder; hidden files stay behind.
        name: what the server calls it.
        seen: called again and again, with the bytes that are sent and those to send.

    Raises:
        UsageError: there is no such folder, it has no files, or the name is not allowed.
    """
    if not NAMES.fullmatch(name):
        rule = "a letter or digit first, then letters, digits, dots, hyphens and underscores, at most 80 in all"
        raise UsageError(f"{name}: is no name for data; a name has {rule}")
    files = {file.relative_to(folder).as_posix(): file for file in _files_in(folder)}
    if not files:
        raise UsageError(f"{folder}: is no folder with files; name another one")
    digests = {place: _digest(file) for place, file in files.items()}
    by_digest = {digest: files[place] for place, digest in digests.items()}
    missing = {digest: by_digest[digest].stat().st_size for digest in _missing(connection, by_digest)}
    sent, total = 0, sum(missing.values())
    seen(sent, total)
    for digest, size in missing.items():
        connection.put_file(path("uploads", digest), by_digest[digest], functools.partial(_tell, seen, sent, total))
        sent += size
        seen(sent, total)
    answer = connection.post("/datasets", {"name": name, "files": digests})
    return DatasetView.model_validate(answer)


def _tell(seen: Seen, before: int, total: int, of_file: int) -> None:
    seen(before + of_file, total)


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
