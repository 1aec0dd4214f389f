"""Calls of code to the system: the time, the system's random numbers, files."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

CLOCKS = frozenset({"time", "datetime", "datetime.datetime", "datetime.date", "posix", "nt"})
"""Modules and classes of C functions that tell the time, or draw."""

CALLS = frozenset(
    {
        *("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time"),
        *("process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "times"),
        *("ctime", "localtime", "gmtime", "strftime", "now", "utcnow", "today"),
        *("urandom", "getrandom", "stat"),
    }
)
"""Those functions."""

OPENING = "a file"
"""What `open` gives."""

READING = frozenset(
    {"linecache", "tokenize", "importlib._bootstrap_external", "_frozen_importlib_external", "warnings"}
)
"""Python's modules that open files to show or import code."""


@contextlib.contextmanager
def asked_for() -> Iterator[set[str]]:
    """Collect what the code inside asks for, in this thread and those that it starts, as messages name it."""
    found: set[str] = set()

    def see(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and (name := _name_of(called)) and frame.f_globals.get("__name__") not in READING:
            found.add(name)

    before, of_others = sys.getprofile(), threading.getprofile()
    threading.setprofile(see)
    sys.setprofile(see)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(of_others)


def _name_of(called: Any) -> str:
    """Return the name of a function whose results change with time; else empty."""
    name, holder = getattr(called, "__name__", ""), getattr(called, "__self__", None)
    if name == "open" and getattr(called, "__module__", "") in ("io", "_io"):
        return OPENING
    if name not in CALLS:
        return ""
    module = holder.__name__ if isinstance(holder, type) else getattr(called, "__module__", "") or ""
    return f"{module}.{name}" if module in CLOCKS or isinstance(holder, type) else ""
