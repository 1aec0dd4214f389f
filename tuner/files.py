"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import TunerError, UsageError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one and nothing between.

    Raises:
        TunerError: it cannot be written; nothing is left behind.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TunerError(f"{file}: cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def new_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """A folder to fill that takes its name only when it is full.

    Raises:
        UsageError: there is one of that name, and `overwrite` is not set.
        TunerError: it cannot be written; nothing is left behind.
    """
    if folder.exists() and not overwrite:
        raise UsageError(f"{folder}: is there already; give another -o, or --overwrite")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.is_dir():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    except OSError as error:
        raise TunerError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
