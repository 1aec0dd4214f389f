"""Processes that trials leave behind: they end with their worker, and with the run at the latest.

Between trials nothing is ended, since a pool such as joblib's also serves the next trial. On Linux a process can adopt
orphans, daemons among them, so all are found. Elsewhere only those still below the worker are found.
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
    """Make this process adopt orphans below it, or stop that; return whether it did before."""
    if sys.platform != "linux":
        return False
    prctl, before = ctypes.CDLL(None).prctl, ctypes.c_int()
    prctl(GET_SUBREAPER, ctypes.byref(before), 0, 0, 0)
    prctl(SET_SUBREAPER, ctypes.c_ulong(adopt), 0, 0, 0)
    return bool(before.value)


class _Runs(threading.local):
    """For each run that a thread is in, the children that existed before."""

    def __init__(self) -> None:
        self.spared: list[list[psutil.Process]] = []


_runs = _Runs()


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """End everything that this thread, and its threads, start inside the context.

    Processes that other threads start are not ended, unless the system cannot tell them apart, as on macOS. Outside the
    main thread nothing is ended.
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
    """Within `ended`, make sure that nothing outlives this process; only user code starts processes."""
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
    """Reap ended children of the main thread, which nobody else waits for.

    Children of other threads are not touched, nor those of a `Popen`: the program may ask for their exit codes.
    """
    kept = {process.pid for process in spared}
    ended = [pid for pid in _of_this_thread() - kept if _has_ended(pid)]
    waited_for = _waited_for() if ended else set()
    for pid in ended:
        if pid not in waited_for:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _of_this_thread() -> set[int]:
    """Return the children of this thread: started by it, or adopted if it is the main thread."""
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
    """Return the children that a `Popen` of this program may still wait for."""
    theirs = (each for each in gc.get_objects() if issubclass(type(each), subprocess.Popen))
    return {each.pid for each in theirs if each.returncode is None}


def end_orphans() -> None:
    """End the processes that dead workers left to the server that forked them."""
    server: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # its own knowledge
    if server is None:
        return

    def left() -> list[psutil.Process]:
        alive = {process.pid for process in multiprocessing.active_children()}
        children = (child for process in found(server) for child in below(process, recursive=False))
        return [child for child in children if child.pid not in alive]

    _end(left)


def _end(left: Callable[[], list[psutil.Process]]) -> None:
    """Kill processes until none is left: children of killed ones may take their place."""
    deadline = time.monotonic() + END_SECONDS
    with _unwatched():
        while (there := left()) and time.monotonic() < deadline:
            kill(there)


@contextlib.contextmanager
def _unwatched() -> Iterator[None]:
    """Disable a user's handler for ended children: torch's raises if readers are killed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)
