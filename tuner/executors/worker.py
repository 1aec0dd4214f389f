"""A worker process: it runs an engine over a port whose other end is the driver."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from tuner import own
from tuner.executors.messages import Ask, Checkpoint, Judgement, Work
from tuner.port import Epoch, Outcome, Trial, Verdict


def main(connection: Connection, threads: int) -> None:
    """Run the engine that the driver sends, with so many threads, until there is no more work."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the driver decides for all
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    torch.set_num_threads(threads)
    for name, base, path in connection.recv():
        own.load(name, base, path)  # the engine may hold what this code defines
    engine = connection.recv()
    engine(RemotePort(connection))


class RemotePort:
    """A port whose reports are answered by the latest verdict that has arrived, so that training never waits."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._checkpoint: bytes | None = None
        self._trial: Trial | None = None
        self._verdict = Verdict.GO

    def take(self) -> Trial | None:
        """Ask the driver for the next trial, and wait for it."""
        self._connection.send(Ask())
        while not isinstance(answer := self._connection.recv(), Work):
            pass  # a verdict on the trial before came too late
        self._trial, self._checkpoint, self._verdict = answer.trial, answer.checkpoint, Verdict.GO
        return self._trial

    def report(self, epoch: Epoch) -> Verdict:
        """Send an epoch, and give the latest verdict that is known."""
        self._connection.send(epoch)
        while self._connection.poll():
            judgement = self._connection.recv()
            if isinstance(judgement, Judgement) and (judgement.trial, judgement.attempt) == (
                epoch.trial,
                epoch.attempt,
            ):
                self._verdict = judgement.verdict
        return self._verdict

    def load(self, trial: int) -> bytes | None:
        """The checkpoint that came with the trial."""
        return self._checkpoint

    def save(self, trial: int, state: bytes) -> None:
        """Send a checkpoint to be kept."""
        self._connection.send(Checkpoint(trial, state))

    def done(self, outcome: Outcome) -> None:
        """Send how the trial ended."""
        self._connection.send(outcome)


def _end_with_the_driver() -> None:
    """A driver that was killed says nothing, and its workers must not train on for nobody."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
