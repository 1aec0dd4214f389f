"""Sudden ends of the process: user code that calls `os._exit`, or crashes it.

Nothing is caught, but the place is printed before the process ends. A process cannot notice SIGKILL; the shell prints
it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn, TextIO

STDERR = 2
"""File descriptor of stderr, whatever replaces `sys.stderr`."""


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Print where this process is when it crashes, or when code in it calls `os._exit`.

    Trials redirect stderr to their logs, and the live view hides it: this prints on stderr as it is now.
    """
    try:
        terminal = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="backslashreplace")
    except OSError:  # the shell closed it
        yield
        return
    real, was_enabled = os._exit, faulthandler.is_enabled()
    with terminal:
        if not was_enabled:
            faulthandler.enable(terminal)
        os._exit = _Exit(real, terminal)  # Python has no hook for it
        try:
            yield
        finally:
            os._exit = real
            if not was_enabled:
                faulthandler.disable()


class _Exit:
    """Print the caller, and exit. Forked children usually leave by `os._exit`, and print nothing."""

    def __init__(self, real: Callable[[int], NoReturn], terminal: TextIO) -> None:
        self._real = real
        self._terminal = terminal
        self._process = os.getpid()

    def __call__(self, status: int) -> NoReturn:
        if os.getpid() == self._process:
            frame = sys._getframe(1)
            place = f"{frame.f_code.co_filename} line {frame.f_lineno}"
            self._terminal.write(f"tuner: {place} ended tuner by os._exit({status}): raise an exception instead\n")
            self._terminal.flush()
        self._real(status)
