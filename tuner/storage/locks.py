"""Locks of the operating system beside an SQLite database: each is held by one process, and freed by its death."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import quote

import psutil

from tuner.errors import StorageError

LONGEST = 60
"""Characters of a study's name in the name of its lock's file, which file systems limit."""


class HeldByAnother(StorageError):
    """Another process holds the lock of a study.

    Args:
        study: the study's name.
        holder: the process.
    """

    def __init__(self, study: str, holder: str) -> None:
        self.holder = holder
        super().__init__(f"study {study}: {holder} is running it; wait for its end or stop it")


@contextlib.contextmanager
def held(file: Path, folder: Path, name: str, study: str) -> Iterator[None]:
    """Hold the lock of a study in a database file.

    Args:
        file: the database, which may not exist.
        folder: the folder of the lock's own file; it is created if it is missing.
        name: the name of the database in messages.
        study: the study's name.

    Raises:
        HeldByAnother: another process holds it.
        StorageError: the folder cannot be written.
    """
    import fcntl  # on POSIX systems, which this project runs on; Python elsewhere can still read studies

    with _opened(_lock_of(file, folder, study), name) as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            who = opened.readline().strip() or "another process"
            raise HeldByAnother(study, who) from None
        opened.truncate(0)
        opened.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        opened.flush()
        yield


@contextlib.contextmanager
def making(file: Path, folder: Path, name: str) -> Iterator[None]:
    """Keep others from making the tables of a database file, and wait for one that makes them.

    Raises:
        StorageError: the folder cannot be written.
    """
    import fcntl

    with _opened(_lock_of(file, folder, None), name) as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def holder(file: Path, folder: Path, study: str) -> str | None:
    """Return the process that holds the lock of a study; None if there is none.

    This takes the lock for an instant, and only if it is probably not free. A run that wants it at that instant would
    be refused.
    """
    import fcntl

    try:
        with _lock_of(file, folder, study).open() as opened:
            who = opened.readline().strip()
            if not _may_live(who):
                return None
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        return who
    except FileNotFoundError:
        return None


def _lock_of(file: Path, folder: Path, study: str | None) -> Path:
    """Return the file of a study's lock, or of the whole database's; similar names differ by their digest."""
    if study is None:
        return folder / "locks" / f"{file.name}.lock"
    digest = hashlib.sha256(study.encode()).hexdigest()[:12]
    return folder / "locks" / f"{file.name}-{quote(study, safe=' ')[:LONGEST]}-{digest}.lock"


def _opened(lock: Path, name: str) -> TextIOWrapper:
    try:
        for folder in (lock.parent.parent, lock.parent):  # but never the folder of the database
            folder.mkdir(exist_ok=True)
        return lock.open("a+")
    except OSError as error:
        raise StorageError(f"{name}: cannot be opened: {lock}: {error.strerror}") from None


def _may_live(who: str) -> bool:
    """Return whether a process exists, as far as this machine can tell."""
    match = re.fullmatch(r"process (\d+) on (.*)", who)
    return match is None or match[2] != socket.gethostname() or psutil.pid_exists(int(match[1]))
