"""Workers as processes of this machine: each trains many trials and shares the data in memory."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
import torch.multiprocessing  # it teaches multiprocessing to send tensors through shared memory

from tuner.errors import TunerError
from tuner.executors import process_tree, worker
from tuner.executors.forkserver import CONTEXT, deaf_to_ctrl_c
from tuner.executors.leftovers import end_orphans
from tuner.executors.messages import FromWorker, Gone, ToWorker
from tuner.protocol import Engine, Movable, Place
from tuner.runtime.user_code import Code

STARTS, AGAIN_SECONDS = 6, 0.5
"""Attempts to start a worker, and seconds between them: the server that forks it may be killed too."""

GOODBYE_SECONDS = 5.0
"""Seconds for workers to end when there is no more work."""


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """The driver's end of a worker process."""

    process: BaseProcess
    connection: Connection

    def send(self, message: ToWorker) -> None:
        """Send a message; `Gone` reports a worker that has died."""
        with contextlib.suppress(OSError):
            self.connection.send(message)


class Processes:
    """Starts worker processes.

    Args:
        engine: picklable, and movable where there are GPUs; its tensors are shared, not copied.
        code: own code that the engine holds, to be imported before it arrives.
        places: the place of each worker by its name.
    """

    def __init__(self, engine: Engine, code: Sequence[Code], places: Sequence[Place]) -> None:
        self._engine = engine.at(torch.device("cpu"), engine.base) if isinstance(engine, Movable) else engine
        self._code = list(code)
        self._places = {place.worker: place for place in places}
        self._links: dict[Connection, Process] = {}

    def start(self, name: str) -> Process:
        """Start the worker of that name.

        Raises:
            TunerError: no process can be started, or the memory that processes share does not hold the data.
        """
        ours, theirs = CONTEXT.Pipe()
        with _without_main(), deaf_to_ctrl_c():
            process = _begun(worker.main, (theirs, self._places[name], dict(os.environ)))
        theirs.close()
        link = self._links[ours] = Process(process, ours)
        try:
            ours.send(self._code)
            ours.send(self._engine)
        except BrokenPipeError:  # it has died at once; its end of the pipe says so next
            pass
        except (RuntimeError, OSError) as error:  # torch's, from shm_open
            raise TunerError(f"the data cannot be shared with workers: {error}; enlarge /dev/shm") from None
        return link

    def wait(self, seconds: float) -> list[tuple[Process, FromWorker]]:
        """Return a message of each worker that has one."""
        ends = [end for link in self._links.values() for end in (link.connection, link.process.sentinel)]
        ready = wait(ends, seconds)  # whoever a worker has forked may hold its end of the connection when it is gone
        heard = [link for link in self._links.values() if link.connection in ready or link.process.sentinel in ready]
        return [self._hear(link) for link in heard]

    def kill(self, link: Process) -> None:
        """End a worker at once, with all processes that it started."""
        del self._links[link.connection]
        process_tree.kill(process_tree.found(link.process.pid or 0) if link.process.is_alive() else [])
        link.process.join()
        link.connection.close()
        end_orphans()

    def _hear(self, link: Process) -> tuple[Process, FromWorker]:
        try:
            if link.connection.poll():
                return link, link.connection.recv()
        except (EOFError, OSError):
            pass
        del self._links[link.connection]
        link.connection.close()
        link.process.join()
        end_orphans()
        return link, Gone(_named(link.process.exitcode or 0))

    def close(self, at_once: bool) -> None:
        """Give the workers a moment, and end those that need more."""
        deadline = time.monotonic() + (0.0 if at_once else GOODBYE_SECONDS)
        for link in self._links.values():
            link.process.join(max(0.0, deadline - time.monotonic()))
        for link in list(self._links.values()):
            self.kill(link)


def _begun(target: Callable[..., None], arguments: tuple[Any, ...]) -> BaseProcess:
    """Return a started process; if the forking server dies at that moment, another one forks it."""
    for left in reversed(range(STARTS)):
        process: BaseProcess = CONTEXT.Process(target=target, args=arguments)
        try:
            process.start()
            break
        except (EOFError, OSError) as error:
            if not left:
                raise TunerError(f"workers cannot be started: {error}") from None
            time.sleep(AGAIN_SECONDS)  # it answers no more before it is known to have died
    return process


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Start processes without running the main script again, so that it needs no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _named(exit_code: int) -> str:
    """Return an exit code with the name of its signal."""
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
