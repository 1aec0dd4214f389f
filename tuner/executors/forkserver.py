"""The server that worker processes are forked from. It imports nothing heavy here, so it can start first."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from typing import Any

CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
"""On Linux a server with all imports, and no computation, forks workers: they start at once and share its memory."""

PRELOADED = [
    "tuner.executors.worker",
    "tuner.engines.run_trial",
    "tuner.engines.fused",
    "tuner.engines.function",
    "tuner.executors.orphans",
]
"""Modules that workers and their engines import, and the server's own work."""


def warm_up() -> None:
    """Start the server now, beside the driver's preparations: both import torch for seconds."""
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload(PRELOADED)
        with deaf_to_ctrl_c():
            forkserver.ensure_running()


def part() -> None:
    """Disconnect a worker from the server: it ends with the driver, and user code starts its own server."""
    server: Any = forkserver._forkserver  # Python has no other way
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
        server.__init__()


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Block Ctrl-C of a terminal for processes that are started here, also while they import.

    Python starts its tracker of resources before the first process, and lets signals through after that.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
