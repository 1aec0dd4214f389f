"""A lock of the operating system on an SQLite database: held by one driver, freed by its death."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import StorageError


@contextlib.contextmanager
def held(file: Path, folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of a database file.

    Args:
        file: the database, which need not be there.
        folder: where the lock's own file lies; made if need be.
        name: what messages call the database.

    Raises:
        StorageError: another process holds it, or the folder cannot be written.
    """
    import fcntl  # on POSIX systems, which this project runs on; Python elsewhere can still read studies

    lock = folder / f"{file.name}.lock"
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
            holder = opened.read().strip() or "another process"
            raise StorageError(
                f"{file}: {holder} is running a study on it; wait for its end or use another --storage"
            ) from None
        opened.truncate(0)
        opened.write(f"process {os.getpid()} on {socket.gethostname()}")
        opened.flush()
        yield
