"""A pseudo terminal in place of stdin and stdout."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios
from collections.abc import Callable, Iterator

import pytest

from tuner.cli.views.status_screen import watched
from tuner.cli.views.status_wait import Awaited
from tuner.results.progress import Overview


class Terminal:
    """A pseudo terminal in place of stdin and stdout."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.leader, self._follower = pty.openpty()
        self._before = termios.tcgetattr(self._follower)
        self._stdin = os.fdopen(os.dup(self._follower))
        self._stdout = os.fdopen(os.dup(self._follower), "w", encoding="utf-8")

    def watch(self, look: Callable[[], Overview | Awaited]) -> Overview | None:
        with self._monkeypatch.context() as patched:
            patched.setenv("TERM", "xterm-256color")
            patched.setattr(sys, "stdin", self._stdin)
            patched.setattr(sys, "stdout", self._stdout)
            return watched("tiny", look, 0.01)

    def type(self, keys: str) -> None:
        os.write(self.leader, keys.encode())

    @property
    def shown(self) -> bytes:
        read = b""
        while select.select([self.leader], [], [], 0.1)[0]:
            read += os.read(self.leader, 1 << 16)
        return read

    @property
    def as_before(self) -> bool:
        return termios.tcgetattr(self._follower) == self._before

    def close(self) -> None:
        self._stdin.close()
        self._stdout.close()
        os.close(self.leader)
        os.close(self._follower)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    opened = Terminal(monkeypatch)
    yield opened
    opened.close()
