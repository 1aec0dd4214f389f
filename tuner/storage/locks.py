"""A lock of the operating system on an SQLite database: held by one driver, freed by its death."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from tuner.errors import StorageError


@contextlib.contextmanager
def held(file: Path, folder: Path, name: str, study: str) -> Iterator[None]:
    """Hold the lock of a database file.

    Args:
        file: the database, which need not be there.
        folder: where the lock's own file lies; made if need be.
        name: what messages call the database.
        study: that the holder runs, for who asks.

    Raises:
        StorageError: another process holds it, or the folder cannot be written.
    """
    import fcntl  # on POSIX systems, which this project runs on; Python elsewhere can still read studies

    lock = _lock_of(file, folder)
    try:
        folder.mkdir(exist_ok=True)
        opened = lock.open("a+")
    except OSError as error:
        raise StorageError(f"{name}: cannot be opened: {lock}: {error.strerror}") from None
    with opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            who = opened.readline().strip() or "another process"
            raise StorageError(
                f"{file}: {who} is running a study on it; wait for its end or use another --storage"
            ) from None
        opened.truncate(0)
        opened.write(f"process {os.getpid()} on {socket.gethostname()}\n{study}\n")
        opened.flush()
        yield


def holder(file: Path, folder: Path) -> tuple[str, str] | None:
    """Who holds the lock of a database file, and the study that it runs; None when nobody does.

    Whoever asks takes the lock for an instant, and only where there is cause to believe that it is not free:
    a run that wants it at that instant would be refused.
    """
    import fcntl

    try:
        with _lock_of(file, folder).open() as opened:
            who, study = [*opened.read().splitlines(), "", ""][:2]
            if not _may_live(who):
                return None
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return who, study
    except FileNotFoundError:
        return None


def _lock_of(file: Path, folder: Path) -> Path:
    return folder / f"{file.name}.lock"


def _may_live(who: str) -> bool:
    """Whether a process is there, as far as this machine can tell."""
    match = re.fullmatch(r"process (\d+) on (.*)", who)
    return match is None or match[2] != socket.gethostname() or psutil.pid_exists(int(match[1]))
