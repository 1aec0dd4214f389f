"""Output that is printed while a live view is on: caught below Python, and shown above the view.

Workers, readers of data and C code write to the terminal's descriptors themselves. Rich's redirection of `sys.stdout`
cannot see that. After a crash of this process only the last output of C code is lost. Python's traceback is still
printed.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import sys
import tempfile
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

LOOK_SECONDS = 0.1
"""Seconds until a line is shown."""

MOST_BYTES = 1 << 22
"""Largest number of bytes of shown output that are stored."""


@contextlib.contextmanager
def above_the_view() -> Iterator[Console]:
    """Catch all output; the console on the real terminal shows it, and everything printed on the console.

    Only stderr must be a terminal. stdout is not touched if it leads elsewhere.
    """
    caught = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
    before = {stream.fileno(): os.dup(stream.fileno()) for stream in caught}
    with _memory() as memory, os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal:
        console = Console(file=terminal, markup=False, highlight=False, emoji=False)
        was_enabled = faulthandler.is_enabled()
        faulthandler.enable(terminal)
        for descriptor in before:
            os.dup2(memory, descriptor)
        ended = threading.Event()
        shower = threading.Thread(target=_show, args=(memory, console, ended), daemon=True)
        shower.start()
        try:
            yield console
        finally:
            for stream in caught:
                stream.flush()
            for descriptor, real in before.items():
                os.dup2(real, descriptor)
                os.close(real)
            faulthandler.enable() if was_enabled else faulthandler.disable()
            ended.set()
            shower.join()


@contextlib.contextmanager
def _memory() -> Iterator[int]:
    """Yield a file to write to: unlike a pipe it never blocks, and no full disk stops it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("printed")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _show(memory: int, console: Console, ended: threading.Event) -> None:
    """Print new output, whole lines only until the end."""
    position, begun, over = 0, b"", False
    while not over:
        over = ended.wait(LOOK_SECONDS)
        text = os.pread(memory, os.fstat(memory).st_size - position, position)
        position += len(text)
        if position >= MOST_BYTES:
            os.ftruncate(memory, 0)
            position = 0
        *lines, begun = (begun + text).split(b"\n")
        begun = begun[begun.rfind(b"\r", 0, -1) + 1 :]  # of a progress bar, as it is by now
        lines += [begun] if over and begun else []
        if lines:
            console.print(Text.from_ansi(b"\n".join(lines).decode(errors="replace")), soft_wrap=True)
