"""Files and folders that exist whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tuner.errors import TunerError, UsageError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that a reader, even after a power cut, sees the old or the new one.

    Raises:
        TunerError: the file cannot be written; nothing half-written is left behind.
    """
    file = file.absolute()
    partial = file.parent / f".{file.name}.partial"
    if file.is_dir():
        raise TunerError(f"{file}: is a folder; name a file")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        os.replace(partial, file)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise TunerError(f"{file}: cannot be written: {error.strerror}") from error


def unfinished_of(folder: Path) -> Path:
    """Return the file with the state of a final training, until its run folder is complete."""
    return folder.absolute().parent / f".{folder.name}.unfinished.pt"


def refuse_foreign(file: Path, mark: str) -> None:
    """Allow a file that is new, or that has `mark` in its first lines and may be replaced.

    Raises:
        UsageError: the file exists without the mark.
    """
    if file.is_file() and file.stat().st_size:
        with file.open("rb") as reading:
            ours = mark.encode() in reading.read(4096)
        if not ours:
            raise UsageError(f"{file}: is there already and was not written by this command; give another -o")


def refuse_to_replace(folder: Path, overwrite: bool, marks: Sequence[str]) -> None:
    """Allow a folder that is new, or that holds all of `marks` and may be overwritten.

    Raises:
        UsageError: the folder exists and may not be replaced.
    """
    if not folder.exists():
        return
    if not overwrite:
        raise UsageError(f"{folder}: is there already; give another -o, or --overwrite")
    if not all((folder / mark).exists() for mark in marks):
        raise UsageError(f"{folder}: is no run folder, and only such are overwritten; give another -o")


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder to fill; it takes its name and replaces an older one only when it is complete.

    Raises:
        TunerError: it cannot be written; nothing half-written is left behind.
    """
    folder = folder.absolute()
    partial, old = folder.parent / f".{folder.name}.partial", folder.parent / f".{folder.name}.old"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            os.replace(folder, old)
        os.replace(partial, folder)
    except OSError as error:
        raise TunerError(f"{folder}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
