"""The driver of a job: a process that outlives the server, and that a later server finds again.

A small shell starts it and writes its exit code to a file when it has ended. So the code is known to a server that is
not its parent. The shell's command names that file. A process is a job's driver if, and only if, its command does.
All that runs below the shell has the name of that file in its environment. So it is found if the shell alone is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from tuner.service.queue.job_record import Process
from tuner.service.running.job_folder import JobFolder

STOP_SECONDS = 30.0
"""Seconds after which a driver that was asked to stop is killed. Running epochs have 5 of them."""

MARK = "TUNER_JOB"
"""The variable with the file of the exit code. The driver has it, and all that it starts."""

_NOBODY = 0
"""The pid of a shell that is gone; no process has it."""

_SHELL = 'trap : TERM INT HUP; "$@"; echo $? > "$0.part" && mv "$0.part" "$0"'
"""Wait for a command whatever the signal, and put its exit code into the file `$0`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a driver. Without an exit code, it and its shell were killed, or the machine has gone down."""

    code: int | None


class Driver:
    """A running driver.

    Args:
        folder: of its job.
        pid: of its shell, which leads a session and a process group of its own.
        child: its shell, if this server has started it.
    """

    def __init__(self, folder: JobFolder, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self._folder = folder
        self._pid = pid
        self._child = child
        self._asked_at: float | None = None

    @classmethod
    def start(cls, folder: JobFolder, command: Sequence[str], environment: Mapping[str, str]) -> Driver:
        """Start a driver in a folder where a start has begun.

        Raises:
            OSError: there are no more processes, or the disk is full.
        """
        with folder.log.open("ab") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", _SHELL, str(folder.exit), *command],
                env={**environment, MARK: str(folder.exit)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return cls(folder, child.pid, child)

    @classmethod
    def find(cls, folder: JobFolder, recorded: Process | None) -> Driver | None:
        """Return the driver that an earlier server has started; None if nothing of it runs.

        Args:
            folder: of its job.
            recorded: what the database says of it; None if that server died before it could write that.
        """
        if recorded is not None and recorded.host != socket.gethostname():
            return None
        pids = psutil.pids() if recorded is None else [recorded.pid]
        found = next((pid for pid in pids if _is_driver(pid, folder)), None)
        if found is None and (folder.exit_code() is not None or not _left(folder)):
            return None
        return cls(folder, _NOBODY if found is None else found)

    @property
    def process(self) -> Process:
        """The process, for the database."""
        try:
            created = psutil.Process(self._pid).create_time()
        except psutil.NoSuchProcess:  # it has ended already, as its next poll will show
            created = time.time()
        return Process(socket.gethostname(), self._pid, created)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment it was started with; empty if it has ended."""
        try:
            found: Mapping[str, str] = psutil.Process(self._pid).environ()
        except psutil.Error:
            return {}
        return found

    def ended(self) -> Ended | None:
        """Return how the driver ended, None while it runs. What outlives a killed shell is killed first."""
        runs = self._runs()  # before its code is read, which is its last act
        code = self._folder.exit_code()
        if code is None:
            return None if runs or _kill_left(self._folder) else Ended(None)
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(1)
        return Ended(code)

    def ask_to_stop(self) -> None:
        """Ask it to stop, like Ctrl-C in its terminal. A call that comes too long after the first one kills it."""
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._signal(signal.SIGINT)
        elif time.monotonic() - self._asked_at > STOP_SECONDS:
            self._signal(signal.SIGKILL)

    def _runs(self) -> bool:
        return _is_driver(self._pid, self._folder) if self._child is None else self._child.poll() is None

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, if its leader still runs: a number of the dead may be another's."""
        if self._runs():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, number)


def _left(folder: JobFolder) -> list[psutil.Process]:
    """Return the processes that a driver has started and that still run."""
    return [process for process in psutil.process_iter() if _bears_mark(process, folder)]


def _kill_left(folder: JobFolder) -> bool:
    """Kill what a driver has left; return whether there was anything, which may take a moment to end."""
    left = _left(folder)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return bool(left)


def _bears_mark(process: psutil.Process, folder: JobFolder) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(folder.exit) and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, OSError):  # of another user, or it has just ended
        return False


def _is_driver(pid: int, folder: JobFolder) -> bool:
    try:
        command: list[str] = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    return command[2:4] == [_SHELL, str(folder.exit)]
