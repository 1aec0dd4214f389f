"""Workers as Ray actors: they start where there is room, and messages travel with method calls."""

from __future__ import annotations

import logging
import queue
import re
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayError, RayTaskError

from tuner.errors import TunerError, UsageError
from tuner.executors.messages import FromWorker, Gone, ToWorker
from tuner.executors.processes import GOODBYE_SECONDS
from tuner.executors.ray import cluster
from tuner.executors.ray.actor import Worker, versions
from tuner.executors.ray.cluster import Needs
from tuner.executors.ray.serialize import Parcel

ROOM_SECONDS = 30.0
"""Seconds to wait for the first worker before a message on what may delay it."""

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Actor:
    """The driver's end of an actor: one call, which brings its messages, is always under way."""

    handle: Any
    due: bool = True
    said: list[ToWorker] = field(default_factory=list)

    def send(self, message: ToWorker) -> None:
        """Send a message with the next call."""
        self.said.append(message)


class Actors:
    """Starts actors.

    A queue waits for their messages, not `ray.wait`, which would change a signal's exception.

    Args:
        parcel: the engine.
        needs: of each actor.
        threads: that each computes with.
    """

    def __init__(self, parcel: Parcel, needs: Needs, threads: int) -> None:
        self._needs = needs
        self._threads = threads
        self._links: set[Actor] = set()
        self._calls: queue.SimpleQueue[tuple[Actor, Future[Any]]] = queue.SimpleQueue()
        self._deadline = time.monotonic() + ROOM_SECONDS
        self._heard = False
        try:
            self._parcel = ray.put(parcel)
            actor: Any = ray.remote(Worker)
            self._worker = actor.options(num_cpus=needs["CPU"], num_gpus=needs["GPU"], max_concurrency=2)
        except ValueError as error:
            raise UsageError(f"search.resources: {error}") from None
        except RayError as error:
            raise TunerError(f"the data cannot be put into Ray's memory: {error}") from None

    def start(self, name: str) -> Actor:
        """Start an actor with this name, as soon as there is room for it."""
        handle = self._worker.remote(name, self._threads, self._needs["GPU"] > 0)
        link = Actor(handle)
        self._links.add(link)
        self._listen(link, handle.run.remote(self._parcel, versions()))
        return link

    def wait(self, seconds: float) -> list[tuple[Actor, FromWorker]]:
        """Return all messages that are there when the first one arrives."""
        self._tell_of_want()
        for link in self._links:
            if link.due:
                self._listen(link, link.handle.exchange.remote(link.said))
                link.due, link.said = False, []
        return [(link, message) for link, call in self._finished(seconds) for message in self._hear(link, call)]

    def kill(self, link: Actor) -> None:
        """End an actor at once."""
        self._links.discard(link)
        ray.kill(link.handle)

    def close(self, at_once: bool) -> None:
        """Give working actors a moment, and end all."""
        deadline = time.monotonic() + (0.0 if at_once else GOODBYE_SECONDS)
        while self._heard and self._links and (left := deadline - time.monotonic()) > 0:
            self.wait(left)
        for link in list(self._links):
            self.kill(link)

    def _listen(self, link: Actor, call: Any) -> None:
        call.future().add_done_callback(lambda future: self._calls.put((link, future)))

    def _finished(self, seconds: float) -> list[tuple[Actor, Future[Any]]]:
        finished = []
        try:
            finished.append(self._calls.get(timeout=seconds))
            while True:
                finished.append(self._calls.get_nowait())
        except queue.Empty:
            return finished

    def _hear(self, link: Actor, call: Future[Any]) -> list[FromWorker]:
        """Return the messages of a call, or how the actor ended.

        If a node is lost, only `run` may report it: Ray waits forever for a checkpoint on its way.
        """
        if link not in self._links:
            return []
        try:
            messages: list[FromWorker] = call.result()
        except RayError as error:
            messages = [Gone(_cause(error))]
        link.due, self._heard = True, True
        if any(isinstance(message, Gone) for message in messages):
            self.kill(link)
        return messages

    def _tell_of_want(self) -> None:
        if not self._heard and time.monotonic() > self._deadline:
            self._deadline = float("inf")
            room = cluster.room(self._needs)
            logger.warning("no worker is ready: %s", "the nodes are busy" if room else cluster.want(self._needs))


def _cause(error: RayError) -> str:
    """Return how an actor ended, in a few words.

    Raises:
        TunerError: no actor can work on that node.
    """
    text = str(error)
    if isinstance(error, RayTaskError):
        if isinstance(error.cause, TunerError):
            raise error.cause from None
        return f"{type(error.cause).__name__}: {error.cause}"
    if "No module named 'tuner'" in text:
        raise TunerError("tuner is not installed on a node of the Ray cluster: pip install 'tuner[ray]' there")
    if "node has died" in text or isinstance(error, ActorUnavailableError):
        return "its node left the cluster, or cannot be reached"
    if found := re.search(r"exit code (\d+)", text):
        return found[0]
    if "memory" in text:
        return "killed, perhaps for want of memory"
    return text.strip().partition("\n")[0]
