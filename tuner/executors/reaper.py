"""A process that outlives the driver and ends the processes that the driver started.

    python -m tuner.executors.reaper

It reads from its input, in a line of JSON, what to watch. While the input is open, it looks for processes below the
driver. The input closes when the driver is gone; then it ends them. Processes after its last look bear a mark: an
environment variable, or an open pipe if only forked.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import IO, Any

import psutil

from tuner.executors.io_priority_mark import bears, current
from tuner.executors.process_tree import below, found, is_tracker, kill

LOOK_SECONDS, LOOK_SHARE = 1.0, 0.02
"""Seconds between two looks, and the largest share of a core's time for looking."""

MARK = "TUNER_RUN"
"""The environment variable that names the run."""

_inputs: set[IO[bytes]] = set()


@contextlib.contextmanager
def bound(spared: Iterable[psutil.Process]) -> Iterator[None]:
    """End the processes that this one has started or starts inside with it, except the children `spared`.

    In a run with a brand these are only processes that bear it.
    """
    spared, brand = list(spared), current()
    started = [each for each in psutil.Process().children() if each not in spared and bears(each, brand)]
    watched: dict[str, Any] = {
        "driver": os.getpid(),
        "spared": [each.pid for each in spared],
        "known": [each.pid for child in started for each in (child, *below(child))],
        "brand": brand,
        "mark": secrets.token_hex(8),
    }
    pipe = os.pipe()
    watched["pipe"] = f"pipe:[{os.fstat(pipe[0]).st_ino}]"
    reaper = subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in a terminal is for the driver
    )
    assert reaper.stdin is not None
    reaper.stdin.write(json.dumps(watched).encode() + b"\n")
    reaper.stdin.flush()
    _inputs.add(reaper.stdin)
    before, os.environ[MARK] = os.environ.get(MARK), watched["mark"]
    try:
        yield
    finally:
        os.environ.pop(MARK) if before is None else os.environ.update({MARK: before})
        for end in pipe:
            os.close(end)
        reaper.kill()
        reaper.wait()
        _inputs.discard(reaper.stdin)
        reaper.stdin.close()


def _in_child() -> None:
    """Close the input in a forked child, which would keep it open when the driver is gone."""
    for each in _inputs:
        each.close()
    _inputs.clear()


os.register_at_fork(after_in_child=_in_child)


def main() -> None:
    """Watch until the end of the input, and end the processes that are left."""
    watched = json.loads(sys.stdin.buffer.readline())
    spared = {os.getpid(), *watched["spared"]}
    brand = None if watched["brand"] is None else tuple(watched["brand"])
    known = {process for pid in watched["known"] for process in found(pid)}
    pause = 0.0
    while not select.select([sys.stdin.buffer], [], [], pause)[0]:
        began = time.perf_counter()
        known = {each for each in known if each.is_running()}
        children = (child for driver in found(watched["driver"]) for child in below(driver, recursive=False))
        for child in children:
            if child.pid not in spared and bears(child, brand):
                known.update((child, *below(child)))
        pause = max(LOOK_SECONDS, (time.perf_counter() - began) / LOOK_SHARE)
    late = (each for each in psutil.process_iter() if _is_marked(each, watched["mark"], watched["pipe"]))
    known.update(each for each in late if bears(each, brand))
    kill(each for each in known if not is_tracker(each))


def _is_marked(process: psutil.Process, mark: str, pipe: str) -> bool:
    try:
        if process.environ().get(MARK) == mark:
            return True
        folder = f"/proc/{process.pid}/fd"  # Linux has one
        return any(os.readlink(f"{folder}/{number}") == pipe for number in os.listdir(folder))
    except (psutil.Error, OSError):  # another's, or gone
        return False


if __name__ == "__main__":
    main()
