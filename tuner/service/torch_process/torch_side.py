"""The other side: processes with torch, plotly and scikit-learn, for answers that need them.

A keeper process imports them once and forks a process for each task. So a task starts at once. One that crashes, leaks
or hangs harms its own request alone. The keeper starts with the first task, and ends when none comes for a while.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from tuner.errors import StorageError, TunerError

START_SECONDS = 120.0
"""Time limit for the imports of a new keeper, which comes on top of that of a task."""

IDLE_SECONDS = 300.0
"""Seconds without a task after which the keeper ends, and its memory is free."""

REQUEST = b"task"
"""What comes with the socket of a task."""

AT_ONCE = 2
"""Tasks that run side by side; others wait."""


MOST_WAITING = 8
"""Tasks that wait at most. Each holds a thread of the server, which has 40 for all requests."""


class Busy(StorageError):
    """Too many tasks wait already."""


class TorchSide:
    """Runs functions of `tuner.service.torch_process.torch_tasks` in other processes. Any thread may call it.

    Args:
        at_once: tasks that run side by side.
        idle: seconds without a task after which the keeper ends.
    """

    def __init__(self, at_once: int = AT_ONCE, idle: float = IDLE_SECONDS) -> None:
        self._at_once = at_once
        self._idle = idle
        self._room = threading.Semaphore(at_once)
        self._seats = threading.Semaphore(at_once + MOST_WAITING)
        self._lock = threading.Lock()
        self._keeper: _Keeper | None = None
        self._running = 0
        self._timer: threading.Timer | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a keeper."""
        return self._keeper is not None and self._keeper.is_alive

    def run(self, task: str, *arguments: Any, seconds: float = 120.0) -> Any:
        """Return what a function returns.

        Args:
            task: the name of the function.
            arguments: picklable.
            seconds: time limit, also for the wait before it.

        Raises:
            TunerError: what the function raises, or that it crashed or took too long.
            Busy: other tasks took all the time, or too many wait.
        """
        with _taken(self._seats, 0), _taken(self._room, seconds), self._entered() as keeper:
            return keeper.run(task, arguments, seconds)

    def close(self) -> None:
        """End the keeper and what it runs."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._keeper is not None:
                self._keeper.close()
                self._keeper = None

    @contextlib.contextmanager
    def _entered(self) -> Any:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._keeper is None or not self._keeper.is_alive:
                self._keeper = _Keeper()
            self._running += 1
            keeper = self._keeper
        try:
            yield keeper
        finally:
            with self._lock:
                self._running -= 1
                if not self._running and self._keeper is not None:
                    self._timer = threading.Timer(self._idle, self._end_if_idle)
                    self._timer.daemon = True
                    self._timer.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            if not self._running and self._keeper is not None:
                self._keeper.close()
                self._keeper = None


@contextlib.contextmanager
def _taken(room: threading.Semaphore, seconds: float) -> Iterator[None]:
    """Hold a place; wait for one at most so long.

    Raises:
        Busy: there is none.
    """
    if not room.acquire(timeout=seconds):
        raise Busy("the server is busy with other requests of this kind; repeat it later")
    try:
        yield
    finally:
        room.release()


class _Keeper:
    """The keeper process; it ends when this side of its socket is closed."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tuner.service.torch_process.torch_keeper", str(number)],
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._socket = ours
        self._sending = threading.Lock()
        self._began = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def run(self, task: str, arguments: tuple[Any, ...], seconds: float) -> Any:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs, self._sending:
                try:
                    socket.send_fds(self._socket, [REQUEST], [theirs.fileno()])
                except OSError:
                    raise TunerError("the process of this request could not be started; repeat it") from None
            stream = ours.makefile("rwb")
            ours.settimeout(START_SECONDS)
            child = 0
            try:
                child = int(_line(stream))
                ours.settimeout(seconds)
                pickle.dump((task, arguments), stream)
                stream.flush()
                ok, answer = pickle.load(stream)
            except TimeoutError:
                raise TunerError(f"this took more than {seconds:g} seconds and was stopped") from None
            except (EOFError, OSError, ValueError, pickle.UnpicklingError):
                raise TunerError("the process of this request died; a crash or too little memory can end it") from None
            finally:
                _end(child)
        if not ok:
            raise answer
        return answer


def _line(stream: Any) -> bytes:
    line: bytes = stream.readline(32)
    if not line:
        raise EOFError
    return line


def _end(child: int) -> None:
    """End a task's process and what it has started; it leads a group of its own."""
    if child:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
