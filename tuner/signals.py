"""Ctrl-C and SIGTERM: the first asks for an end, the second, or five seconds, makes one."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from tuner.errors import Interrupted

GRACE_SECONDS = 5.0
"""How long a running epoch may take to its end after the first signal."""


@contextlib.contextmanager
def interruptible(ask_to_stop: Callable[[int], None]) -> Iterator[None]:
    """Call `ask_to_stop` with the number of the first signal; raise on the second or when the grace is over.

    Outside the main thread, where Python takes no signals, it does nothing.

    Raises:
        Interrupted: out of whatever runs at that moment.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[int] = []
    owner = os.getpid()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a reader of data, forked with this handler: Ctrl-C of a terminal reaches it too
            _end_reader(number)
            return
        if first:
            raise Interrupted(first[0])
        first.append(number)
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS, 1.0)  # again, if user code swallows it
        ask_to_stop(number)

    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise Interrupted(first[0])

    handlers = {signal.SIGINT: on_signal, signal.SIGTERM: on_signal, signal.SIGALRM: on_alarm}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_reader(number: int) -> None:
    """A forked process leaves Ctrl-C to the driver, which ends it; when it is told to terminate, it does."""
    if number == signal.SIGTERM:
        os._exit(128 + number)
