"""A worker as a Ray actor: one thread runs an engine, another exchanges messages with the driver."""

from __future__ import annotations

import importlib.metadata
import platform
import queue
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from tuner.errors import TunerError, listing
from tuner.executors.leftovers import adopt_orphans, end_children
from tuner.executors.messages import FromWorker, Gone, Output, ToWorker
from tuner.executors.output import Redirection
from tuner.executors.ray.serialize import Parcel
from tuner.executors.worker import RemotePort, settle
from tuner.protocol import Outcome, Place
from tuner.runtime.signals import free_forked_children

POLL_SECONDS = 0.5
"""Seconds that the driver's call waits for a message. The driver's messages come with its next call."""

PENDING = 64
"""Largest number of messages that wait for a slow driver. Then training waits too."""


class Worker:
    """The actor. It ends when it is killed.

    Args:
        name: its name in the driver.
        threads: the number of its threads.
        gpu: whether it has a GPU, or a share of one.
    """

    def __init__(self, name: str, threads: int, gpu: bool) -> None:
        device = "cuda" if gpu and torch.cuda.is_available() else "cpu"
        self._place = Place(name, platform.node(), device, threads)
        self._folder = tempfile.TemporaryDirectory(prefix="tuner-")
        self._printed = Printed(Path(self._folder.name, ".printed"))
        self._mailbox = Mailbox(self._printed)

    def run(self, parcel: Parcel, versions: Mapping[str, str]) -> None:
        """Run the engine until there is no more work, and then wait for the end.

        Args:
            parcel: the engine.
            versions: those that it was packed by.

        Raises:
            TunerError: other versions are installed here.
        """
        _refuse_others(versions)
        settle(self._place)
        free_forked_children()
        adopt_orphans()
        engine = parcel.unpack(torch.device(self._place.device), self._folder.name)
        try:
            engine(RemotePort(self._mailbox, self._place, self._printed.log_to))
        finally:
            end_children()
        self._folder.cleanup()
        self._mailbox.send(Gone(""))
        threading.Event().wait()

    def exchange(self, messages: Sequence[ToWorker]) -> list[FromWorker]:
        """Take the driver's messages; return those for the driver, or wait a moment for one."""
        for message in messages:
            self._mailbox.deliver(message)
        return [*self._mailbox.collect(POLL_SECONDS), *self._printed.news()]


class Mailbox:
    """The engine's channel to the driver, which calls from time to time; output is sent the same way."""

    def __init__(self, printed: Printed) -> None:
        self._printed = printed
        self._arrived: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
        self._leaving: queue.Queue[FromWorker] = queue.Queue(PENDING)

    def send(self, message: FromWorker) -> None:
        """Send a message to the driver; an outcome follows all output of its trial."""
        if isinstance(message, Outcome):
            for text in self._printed.news():
                self._leaving.put(text)
        self._leaving.put(message)

    def recv(self) -> ToWorker:
        """Wait for a message of the driver."""
        return self._arrived.get()

    def poll(self) -> bool:
        """Return whether a message of the driver waits."""
        return not self._arrived.empty()

    def deliver(self, message: ToWorker) -> None:
        """Put a message of the driver into the mailbox."""
        self._arrived.put(message)

    def collect(self, seconds: float) -> list[FromWorker]:
        """Return all messages for the driver, after at most `seconds` for the first."""
        collected: list[FromWorker] = []
        try:
            collected.append(self._leaving.get(timeout=seconds))
            while True:
                collected.append(self._leaving.get_nowait())
        except queue.Empty:
            return collected


class Printed:
    """The trial's output: written to a file here, and sent to the driver from there.

    Args:
        file: is there while a trial runs.
    """

    def __init__(self, file: Path) -> None:
        self._trial = 0
        self._file = file
        self._redirection = Redirection()
        self._sent = 0
        self._left: list[Output] = []
        self._turn = threading.Lock()

    def log_to(self, log: Path | None) -> None:
        """Start the log of a trial, named by its number in the driver's `log`; None ends it."""
        with self._turn:
            self._redirection.log_to(None)
            self._left += self._read()  # of the one before
            self._file.unlink(missing_ok=True)
            self._sent = 0
            if log is not None:
                self._trial = int(log.stem)
                self._redirection.log_to(self._file)

    def news(self) -> list[Output]:
        """Return the output since the last call."""
        with self._turn:
            news, self._left = [*self._left, *self._read()], []
            return news

    def _read(self) -> list[Output]:
        if not self._file.exists():
            return []
        with self._file.open("rb") as reading:
            reading.seek(self._sent)
            text = reading.read()
        self._sent += len(text)
        return [Output(self._trial, text)] if text else []


def versions() -> dict[str, str]:
    """Return the versions that driver and workers must share; builds of torch may differ."""
    ours = next((found.version for found in importlib.metadata.distributions(name="tuner")), "")
    return {"tuner": ours, "torch": torch.__version__.partition("+")[0]}


def _refuse_others(theirs: Mapping[str, str]) -> None:
    ours = versions()
    other = [f"{name} {ours[name]}, not {version}" for name, version in theirs.items() if ours[name] != version]
    if other:
        raise TunerError(f"Ray's node {platform.node()} has {listing(other)}: install on all what the driver has")
