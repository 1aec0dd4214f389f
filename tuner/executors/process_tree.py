"""Processes and the processes below them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil

END_SECONDS = 5.0
"""Seconds to wait for killed processes. One may hang in the kernel, on an unreachable disk."""


def found(pid: int) -> list[psutil.Process]:
    """Return the process of a number in a list; empty if it has ended."""
    try:
        return [psutil.Process(pid)]
    except psutil.Error:
        return []


def below(process: psutil.Process, recursive: bool = True) -> list[psutil.Process]:
    """Return the children of a process, all below it if `recursive`; empty if it is gone."""
    try:
        found: list[psutil.Process] = process.children(recursive)
    except psutil.Error:
        return []
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes with all below them, and wait for their end."""
    tree = [each for process in processes for each in (process, *below(process))]
    for each in tree:
        with contextlib.suppress(psutil.Error):  # it has ended, though its number may be another's by now
            each.kill()
    psutil.wait_procs(tree, END_SECONDS)


def is_tracker(process: psutil.Process) -> bool:
    """Return whether a process is a resource tracker of Python or joblib, which cleans up and then ends."""
    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False
