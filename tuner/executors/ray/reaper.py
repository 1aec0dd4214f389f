"""A process that outlives the driver to end Ray's: of its own accord, Ray's agents take a minute to notice.

    python -m tuner.executors.ray.reaper PID ...

It ends those processes when its input ends, which is when the driver is gone, however it went.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import psutil


@contextlib.contextmanager
def bound() -> Iterator[None]:
    """The processes that were started by this one so far do not outlive it."""
    begun = [str(child.pid) for child in psutil.Process().children(recursive=True)]
    reaper = subprocess.Popen(
        [sys.executable, "-m", __name__, *begun],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in a terminal is for the driver
    )
    try:
        yield
    finally:
        reaper.kill()
        reaper.wait()


def main(pids: list[str]) -> None:
    """Wait for the end of the input, and end these."""
    processes = [process for process in psutil.process_iter() if str(process.pid) in pids]
    sys.stdin.read()
    for process in processes:
        with contextlib.suppress(psutil.Error):  # one that is gone, though its number may be another's by now
            process.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
