"""Signals that end a run: the first asks it to stop, the second, or five seconds, stops it.

A child that Python forks gets the signals' default actions. A child that ignored them, or that had this program's
handlers, could not be terminated. Both signals are blocked during the fork. Else a handler that the child never runs
would receive them (https://github.com/python/cpython/issues/78178). A program that is executed has the default actions
too, since its parent has handlers and ignores nothing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from tuner.errors import Interrupted

GRACE_SECONDS = 5.0
"""Seconds that a running epoch may take to its end after the first signal."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, the signal of a scheduler, and the signal of a closed terminal."""


class _Handler:
    """A handler of this program, so that a forked child recognises it."""

    def __init__(self, act: Callable[[int], None]) -> None:
        self._act = act

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._act(number)


@contextlib.contextmanager
def interruptible(ask_to_stop: Callable[[int], None]) -> Iterator[None]:
    """Call `ask_to_stop` with the number of the first signal; raise on the second or when the grace is over.

    Outside the main thread Python receives no signals, and this does nothing. An ignored SIGHUP, as under `nohup`,
    stays ignored.

    Raises:
        Interrupted: at whatever point the program runs.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[int] = []

    def on_signal(number: int) -> None:
        if first:
            raise Interrupted(first[0])
        first.append(number)
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS, 1.0)  # again, if user code swallows it
        ask_to_stop(number)

    def on_alarm(number: int) -> None:
        raise Interrupted(first[0])

    handlers = {**dict.fromkeys(_heeded(), _Handler(on_signal)), signal.SIGALRM: _Handler(on_alarm)}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_to_the_driver() -> None:
    """Disable the signals in this process for good: a terminal sends them to all, and the driver decides.

    Call it in the main thread. The signals are handled, not ignored, since child processes would inherit that.
    """
    for number in _heeded():
        signal.signal(number, _Handler(lambda number: None))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # they were, while this process came to be


def free_forked_children() -> None:
    """Give children that are forked from now on the signals' default actions, whatever the handlers.

    It is for a process of another program, such as an actor of Ray.
    """
    _fork.all = True


def _heeded() -> list[signal.Signals]:
    hung_up = signal.getsignal(signal.SIGHUP)
    return [number for number in ENDING if number is not signal.SIGHUP or hung_up is not signal.SIG_IGN]


class _Fork:
    """Actions around each fork of this process, in the forking thread; `all` covers handlers of others."""

    def __init__(self) -> None:
        self._here = threading.local()
        self.all = False

    def before(self) -> None:
        self._here.mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

    def in_parent(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._here.mask)

    def in_child(self) -> None:
        for number in (*ENDING, signal.SIGALRM):
            if self.all or isinstance(signal.getsignal(number), _Handler):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._here.mask - set(ENDING if self.all else ()))


_fork = _Fork()
os.register_at_fork(before=_fork.before, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)
