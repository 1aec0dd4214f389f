"""Processes that trials leave behind: they end with their worker, and with the run at the latest.

Between trials nothing is ended: a pool such as joblib's is there to serve the next trial too. On Linux a
process can adopt those whose parent has ended, daemons among them, so that all are found; elsewhere those are
found that still stand below the worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import psutil

from tuner.executors import reaper
from tuner.executors.io_priority_mark import Brand, bears, branding
from tuner.executors.process_tree import END_SECONDS, below, found, is_tracker, kill

SET_SUBREAPER, GET_SUBREAPER = 36, 37
"""https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html"""


def adopt_orphans(adopt: bool = True) -> bool:
    """Whether this process is to be the parent of those below it whose own has ended; and whether it was before."""
    if sys.platform != "linux":
        return False
    prctl, before = ctypes.CDLL(None).prctl, ctypes.c_int()
    prctl(GET_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    prctl(SET_SUBREAPER, ctypes.c_ulong(adopt), 0, 0, 0)
    return bool(before.value)


class _Runs(threading.local):
    """Of each run that a thread is in, the children that were there before."""

    def __init__(self) -> None:
        self.spared: list[list[psutil.Process]] = []


_runs = _Runs()


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """End what this thread, and the threads that it starts, start inside, when it is left.

    What other threads of the program start is not touched. Where the system does not tell it apart, as macOS does not,
    it ends too. Outside the main thread nothing is ended.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, adopted = psutil.Process().children(), adopt_orphans()
    _runs.spared.append(before)
    with branding() as brand:
        try:
            yield
        finally:
            _runs.spared.pop()
            end_children(before, brand)
            _reap_adopted(before)
            adopt_orphans(adopted)


@contextlib.contextmanager
def guarded(own_code: bool) -> Iterator[None]:
    """Within `ended`, see that nothing outlives this process either; without `own_code` nothing would."""
    if not own_code or not _runs.spared:
        yield
        return
    with reaper.bound(_runs.spared[-1]):
        yield


def end_children(spared: Iterable[psutil.Process] = (), brand: Brand | None = None) -> None:
    """End the children of this process that bear `brand`, with all below them.

    Those `spared`, and Python's helpers, are not ended.
    """
    kept = set(spared)
    server: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # its own knowledge

    def left() -> list[psutil.Process]:
        children = [child for child in below(psutil.Process(), recursive=False) if child not in kept]
        return [each for each in children if each.pid != server and bears(each, brand) and not is_tracker(each)]

    _end(left)


def _reap_adopted(spared: Iterable[psutil.Process]) -> None:
    """Reap children of the main thread that have ended, as a parent by adoption must: nobody else waits for them.

    Children of other threads are not touched, nor those of a `Popen`: the program may ask how they ended.
    """
    kept = {process.pid for process in spared}
    ended = [pid for pid in _of_this_thread() - kept if _has_ended(pid)]
    waited_for = _waited_for() if ended else set()
    for pid in ended:
        if pid not in waited_for:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _of_this_thread() -> set[int]:
    """Return the children of this thread: it started them, or Linux gave them to it, being the main one."""
    try:
        text = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()
    except OSError:  # no Linux, or built without it
        return set()
    return {int(pid) for pid in text.split()}


def _has_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _waited_for() -> set[int]:
    """Return the children that a `Popen` of this program may still ask for."""
    theirs = (each for each in gc.get_objects() if issubclass(type(each), subprocess.Popen))
    return {each.pid for each in theirs if each.returncode is None}


def end_orphans() -> None:
    """End what dead workers have left to the server that had forked them."""
    server: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # its own knowledge
    if server is None:
        return

    def left() -> list[psutil.Process]:
        alive = {process.pid for process in multiprocessing.active_children()}
        children = (child for process in found(server) for child in below(process, recursive=False))
        return [child for child in children if child.pid not in alive]

    _end(left)


def _end(left: Callable[[], list[psutil.Process]]) -> None:
    """Kill what is left until nothing is: those below the killed may have come up in their place."""
    deadline = time.monotonic() + END_SECONDS
    with _unwatched():
        while (there := left()) and time.monotonic() < deadline:
            kill(there)


@contextlib.contextmanager
def _unwatched() -> Iterator[None]:
    """A handler that user code put on the ends of children is not called: torch's raises, where readers are killed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)
