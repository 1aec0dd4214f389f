"""A brand: it marks the processes of a run among those of other threads of the same program.

On Linux each thread has a priority for disk access. Its new threads and processes inherit it, also those that execute
another program or outlive their parents. The brand is such a priority. It has no effect on access, but can be read
(https://man7.org/linux/man-pages/man2/ioprio_set.2.html).
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TypeAlias

import psutil

Brand: TypeAlias = tuple[int, int]
"""A class of priorities and the level in it."""

LEVELS = 8
"""Levels of the kernel's best-effort class. A process without its own priority gets a level by its niceness."""

_here = threading.local()


def current() -> Brand | None:
    """Return the brand of the run that this thread is in; None without a brand or a run."""
    brand: Brand | None = getattr(_here, "brand", None)
    return brand


@contextlib.contextmanager
def branding() -> Iterator[Brand | None]:
    """Brand everything that this thread, the main one, starts inside.

    Yields:
        The brand, that of an outer run if there is one; None where the system has none.
    """
    if sys.platform != "linux" or current() is not None:
        yield current()
        return
    before = psutil.Process().ionice()
    try:
        if (brand := _brand(before)) is not None:
            psutil.Process().ionice(*brand)
        _here.brand = brand
    except (psutil.Error, OSError):  # a sandbox may forbid it
        _here.brand = None
    try:
        yield current()
    finally:
        if current() is not None:
            psutil.Process().ionice(*before)
        _here.brand = None


def _brand(before: Brand) -> Brand | None:
    """Return a brand that acts like the program's priority, or nearly, and differs from it."""
    best_effort, (kind, level) = int(psutil.IOPRIO_CLASS_BE), before
    if kind == psutil.IOPRIO_CLASS_NONE:
        return best_effort, (psutil.Process().nice() + 20) // 5
    if kind == best_effort:
        return best_effort, level + 1 if level + 1 < LEVELS else level - 1
    return None


def bears(process: psutil.Process, brand: Brand | None) -> bool:
    """Return whether a process bears a brand; without a brand every process may be the run's."""
    if brand is None:
        return True
    try:
        return tuple(process.ionice()) == brand
    except (psutil.Error, OSError):  # it has ended
        return False
