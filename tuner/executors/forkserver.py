"""The server that worker processes are forked from; nothing heavy is imported here, so that it can be started first."""

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
"""On Linux a server that has imported all, and computed nothing, forks workers: they begin at once and share that."""

PRELOADED = [
    "tuner.executors.worker",
    "tuner.engines.trial",
    "tuner.engines.fused",
    "tuner.engines.function",
    "tuner.executors.orphans",
]
"""What workers and the engines that they are given import, and what the server does besides."""


def warm_up() -> None:
    """Start the server now, beside what the driver does before it needs workers: both import torch for seconds."""
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload(PRELOADED)
        with deaf_to_ctrl_c():
            forkserver.ensure_running()


def part() -> None:
    """Be no client of the server any more, in a worker: it ends with the driver, and own code starts one of its own."""
    server: Any = forkserver._forkserver  # Python has no other way
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
        server.__init__()


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """What is started here is never interrupted by a terminal, not while it imports either; the driver is, later.

    Python starts its tracker of resources before the first process, and lets signals through after that.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
