"""Uploaded data: contents by their digest, and folders of them that spaces name.

A content is stored once, however many datasets have it: files of datasets are hard links to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

import sqlalchemy
from anyio import to_thread
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from tuner.errors import StorageError, UnknownStudy, UsageError, listing
from tuner.service.database import Database
from tuner.service.problems import Refused
from tuner.service.service_tables import datasets
from tuner.service.submitted.submission_folder import checked_path


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder of uploaded files; `files` has the digest of each by its path."""

    name: str
    owner: str
    files: Mapping[str, str]
    size: int
    created_at: float
    folder: Path


class DatasetStore:
    """Stores uploads.

    Args:
        database: of the service.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._contents = database.home.absolute() / "contents"
        self.folder = database.home.absolute() / "datasets"
        self._adding = threading.Lock()
        """Held from the look for a dataset of a name to its entry: one server serves a database."""

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Return the digests of contents that are not here, each once."""
        return [digest for digest in dict.fromkeys(digests) if not self._place(digest).is_file()]

    async def put(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        """Store a content as it comes; one that is here is not replaced.

        Raises:
            UsageError: it has another digest.
            StorageError: the disk is full, or cannot be written.
        """
        found = hashlib.sha256()
        try:
            self._contents.mkdir(parents=True, exist_ok=True)
            number, name = tempfile.mkstemp(dir=self._contents, prefix=".new-")
            try:
                with os.fdopen(number, "wb") as file:
                    async for chunk in chunks:
                        found.update(chunk)
                        await to_thread.run_sync(file.write, chunk)
                if found.hexdigest() != digest:
                    raise UsageError(f"the content has the sha256 {found.hexdigest()}, not {digest}; send it again")
                os.chmod(name, 0o444)
                place = self._place(digest)
                place.parent.mkdir(exist_ok=True)
                with contextlib.suppress(FileExistsError):  # datasets have links to the one that is here
                    os.link(name, place)
            finally:
                Path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"the upload cannot be stored: {error.strerror or error}") from None

    def add(self, name: str, owner: str, files: Mapping[str, str]) -> Dataset:
        """Make a dataset of contents that are here; the same one again changes nothing.

        Raises:
            UsageError: a path leaves the folder, or a content is missing.
            Refused: there is another dataset of that name.
            StorageError: the disk cannot be written.
        """
        with self._adding:
            return self._add(name, owner, files)

    def _add(self, name: str, owner: str, files: Mapping[str, str]) -> Dataset:
        _check(files)
        if lacking := self.missing(list(files.values())):
            raise UsageError(f"files: {len(lacking)} contents are not uploaded yet, such as {lacking[0]}")
        known = self._known(name)
        if known is not None:
            if (known.files, known.owner) == (files, owner):
                return known
            raise Refused(HTTPStatus.CONFLICT, f"dataset {name}: is there already; delete it, or give another name")
        size = sum(self._place(digest).stat().st_size for digest in files.values())
        row = {"name": name, "owner": owner, "files": dict(files), "size": size, "created_at": time.time()}
        self._link(name, files)
        try:
            with self._database.begin() as connection:
                connection.execute(datasets.insert(), row)
        except IntegrityError:
            raise Refused(HTTPStatus.CONFLICT, f"dataset {name}: another request makes it") from None
        return self.get(name)

    def get(self, name: str) -> Dataset:
        """Return a dataset.

        Raises:
            UnknownStudy: there is none of that name.
        """
        found = self._known(name)
        if found is None:
            raise UnknownStudy(f"there is no dataset {name}")
        return found

    def all(self) -> Sequence[Dataset]:
        """Return every dataset by its name."""
        with self._database.begin() as connection:
            rows = connection.execute(sqlalchemy.select(datasets).order_by(datasets.c.name)).all()
        return [self._dataset(row) for row in rows]

    def delete(self, name: str) -> None:
        """Delete a dataset, and the contents that no other one has."""
        gone = self.get(name)
        with self._database.begin() as connection:
            connection.execute(datasets.delete().where(datasets.c.name == name))
        shutil.rmtree(gone.folder, ignore_errors=True)
        for digest in set(gone.files.values()):
            place = self._place(digest)
            if place.is_file() and place.stat().st_nlink == 1:
                place.unlink(missing_ok=True)

    def sizes(self, dataset: Dataset) -> dict[str, int]:
        """Return the bytes of each file of a dataset by its path."""
        return {path: self._place(digest).stat().st_size for path, digest in dataset.files.items()}

    def _link(self, name: str, files: Mapping[str, str]) -> None:
        folder = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=self.folder, prefix=".new-"))
            try:
                for path, digest in files.items():
                    (made / path).parent.mkdir(parents=True, exist_ok=True)
                    os.link(self._place(digest), made / path)
                made.chmod(0o755)
                shutil.rmtree(folder, ignore_errors=True)  # what a server left that died before the entry was written
                made.rename(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        except OSError as error:
            raise StorageError(f"dataset {name}: cannot be stored: {error.strerror or error}") from None

    def _known(self, name: str) -> Dataset | None:
        with self._database.begin() as connection:
            row = connection.execute(sqlalchemy.select(datasets).where(datasets.c.name == name)).first()
        return None if row is None else self._dataset(row)

    def _dataset(self, row: Row[tuple[object, ...]]) -> Dataset:
        return Dataset(row.name, row.owner, row.files, row.size, row.created_at, self.folder / row.name)

    def _place(self, digest: str) -> Path:
        """Return the place of a content.

        Raises:
            UsageError: it is no digest. A path would lead out of the folder.
        """
        if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
            raise UsageError(f"{digest[:80]}: is no sha256 in hexadecimal")
        return self._contents / digest[:2] / digest


def _check(files: Mapping[str, str]) -> None:
    for path in files:
        checked_path(path)
    for path in files:
        if inner := [str(parent) for parent in PurePosixPath(path).parents if str(parent) in files]:
            raise UsageError(f"files: {listing(inner)} cannot be a file and the folder of {path}")
