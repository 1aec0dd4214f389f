"""Processes and what stands below them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil

END_SECONDS = 5.0
"""How long it waits for processes that were killed; one may hang in the kernel, on a disk that is away."""


def found(pid: int) -> list[psutil.Process]:
    """The process of that number; none if it has ended."""
    try:
        return [psutil.Process(pid)]
    except psutil.Error:
        return []


def below(process: psutil.Process, recursive: bool = True) -> list[psutil.Process]:
    """The children of a process, and theirs if `recursive`; none of one that is gone."""
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
    """Whether it is a tracker of resources, Python's or joblib's: it ends after those it serves, and cleans up."""
    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False
