"""Submitted files: a space and the code beside it, in a folder named by their content. It never changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from tuner.errors import StorageError, UsageError
from tuner.runtime.rounding import amount
from tuner.service.running.driver_command import SPACE_FILE

MOST_FILES = 2000
LARGEST = 64 * 2**20
"""Bytes of all files of a submission. Larger data are uploaded, or named by a path."""

NEW = ".new-"
"""The beginning of the name of a folder whose submission is being checked."""

LONGEST_PATH = 240
DEEPEST = 16


def checked_path(path: str) -> str:
    """Return a relative path that stays in its folder.

    Raises:
        UsageError: it leaves the folder, or no file can have it.
    """
    parts = PurePosixPath(path).parts
    plain = path == "/".join(parts) and ".." not in parts and not path.startswith("/")
    fit = 0 < len(path.encode(errors="replace")) <= LONGEST_PATH and len(parts) <= DEEPEST
    if not (plain and fit and path.isprintable() and "\\" not in path and _is_utf8(path)):
        raise UsageError(f"files: {path!r} is no relative path below the space; rename it")
    return path


@contextlib.contextmanager
def laid_out(home: Path, text: str, files: Mapping[str, bytes]) -> Iterator[tuple[Path, Path]]:
    """Write a space and its files to a new folder. It is removed at the end, unless `kept` has moved it.

    Args:
        home: the folder of the service.
        text: of the space.
        files: by their paths beside it.

    Yields:
        The new folder, and its place by its content, which equal submissions share.

    Raises:
        UsageError: the files are too many or too large, or a path leaves the folder.
        StorageError: the disk cannot be written.
    """
    contents = {**_checked(files), SPACE_FILE: text.encode()}
    digest = hashlib.sha256()
    for path, content in sorted(contents.items()):
        digest.update(f"{len(path.encode())} {path} {len(content)}\n".encode())
        digest.update(content)
    place = submissions_in(home) / digest.hexdigest()[:32]
    with contextlib.ExitStack() as stack:
        with _storing():
            place.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(dir=place.parent, prefix=NEW))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            _write(made, contents)
        yield made, place


@contextlib.contextmanager
def kept(made: Path, place: Path) -> Iterator[None]:
    """Move a folder to its place, unless the same files are there; an error in the context moves it back.

    The caller lets nobody else move or delete it.

    Raises:
        StorageError: the disk cannot be written.
    """
    is_new = not place.is_dir()
    with _storing():
        if is_new:
            made.rename(place)
    try:
        yield
    except BaseException:
        if is_new:
            place.rename(made)
        raise


def submissions_in(home: Path) -> Path:
    """Return the folder of all submissions."""
    return home.absolute() / "submissions"


def files_in(folder: str) -> list[str]:
    """Return the paths of the files beside a submitted space."""
    if not folder or not Path(folder).is_dir():
        return []
    found = (file.relative_to(folder).as_posix() for file in Path(folder).rglob("*") if file.is_file())
    return sorted(path for path in found if path != SPACE_FILE and "__pycache__" not in path)


def space_in(folder: str) -> str | None:
    """Return the text of a submitted space, None without one."""
    file = Path(folder, SPACE_FILE)
    return file.read_text(encoding="utf-8") if folder and file.is_file() else None


def contents_of(folder: str) -> dict[str, bytes]:
    """Return the files beside a submitted space."""
    return {path: Path(folder, path).read_bytes() for path in files_in(folder)}


def _checked(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    for path in files:
        if checked_path(path) == SPACE_FILE:
            raise UsageError(f"files: {SPACE_FILE} is the name of the space itself; rename the other file")
    for path in files:
        inner = [str(parent) for parent in PurePosixPath(path).parents if str(parent) in files]
        if inner:
            raise UsageError(f"files: {inner[0]} is a file and the folder of {path}")
    if len(files) > MOST_FILES:
        raise UsageError(f"files: {amount(len(files), 'file')} are too many, the limit is {MOST_FILES}; upload data")
    if (total := sum(map(len, files.values()))) > LARGEST:
        megabytes = f"{total / 1e6:.0f} MB are too large, the limit is {LARGEST / 1e6:.0f} MB"
        raise UsageError(f"files: {megabytes}; upload data, or name their path on the server")
    return files


@contextlib.contextmanager
def _storing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the submitted files cannot be stored: {error.strerror or error}") from None


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        os.chmod(target, 0o444)
