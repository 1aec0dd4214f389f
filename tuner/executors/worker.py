"""A worker process: it runs an engine over a port whose other end is the driver."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

import torch

from tuner.executors.forkserver import part
from tuner.executors.leftovers import adopt_orphans, end_children
from tuner.executors.messages import Ask, Begun, Checkpoint, Closing, FromWorker, Judgement, Note, ToWorker, Work
from tuner.executors.output import Redirection
from tuner.protocol import Epoch, Outcome, Place, State, Trial, Verdict
from tuner.runtime.device import be_repeatable, keep_freed_memory
from tuner.runtime.signals import leave_to_the_driver


def main(connection: Connection, place: Place, environment: Mapping[str, str]) -> None:
    """Run the engine that the driver sends until there is no more work, in the driver's environment."""
    gc.freeze()  # what the server has imported stays, and its memory stays shared: collecting would write to it
    os.environ.update(environment)
    leave_to_the_driver()
    part()
    multiprocessing.set_start_method(None, force=True)  # own code's pools begin as they would in a script of its own
    adopt_orphans()
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    faulthandler.enable()
    settle(place)
    for code in connection.recv():
        code.load()  # the engine may hold what this code defines
    engine = connection.recv()
    device = torch.device(place.device)
    if device.type == "cuda":  # tensors have come through the memory that processes of this machine share
        engine = engine.at(device, engine.base)
    try:
        engine(RemotePort(connection, place, Redirection().log_to))
    finally:
        end_children()


def settle(place: Place) -> None:
    """Configure the process for its place: threads, memory, and its GPU if it has one."""
    keep_freed_memory()
    torch.set_num_threads(place.threads)
    device = torch.device(place.device)
    if device.type == "cuda":
        be_repeatable()
        torch.cuda.set_device(device)  # what says just `cuda` means this one


class Channel(Protocol):
    """The worker's end of its connection with the driver."""

    def send(self, message: FromWorker) -> None:
        """Send a message to the driver."""
        ...

    def recv(self) -> ToWorker:
        """Wait for a message of the driver."""
        ...

    def poll(self) -> bool:
        """Return whether a message of the driver waits."""
        ...


class RemotePort:
    """A port that answers reports with the latest verdict that has arrived, so training never waits.

    Args:
        channel: the connection to the driver.
        place: the place of this worker.
        log_to: sets the file for output from now on.
    """

    def __init__(self, channel: Channel, place: Place, log_to: Callable[[Path | None], None]) -> None:
        self._channel = channel
        self._place = place
        self._log_to = log_to
        self._work: dict[int, Work] = {}
        self._verdicts: dict[tuple[int, int], Verdict] = {}
        self._closing = False
        self._asked = False
        self._answer: Work | None = None

    @property
    def closing(self) -> bool:
        """Whether the driver has announced the end."""
        self._listen()
        return self._closing

    def take(self, wait: bool = True) -> Trial | None:
        """Ask the driver for the next trial if that is not done yet, and wait for its answer."""
        foreseen, self._asked = self._asked, False
        if not foreseen:
            self._channel.send(Ask(self._place, wait))
        while (answer := self._answer) is None:
            self._hear(self._channel.recv())
        self._answer = None
        if (trial := answer.trial) is not None:
            self._work[trial.number] = answer
            if foreseen and self.closing:  # it was given before the end came
                self.done(Outcome(trial.number, trial.attempt, State.SUSPENDED))
                return self.take(wait)
            self._log_to(Path(answer.log))
        return trial

    def begin(self, trial: int) -> None:
        """Report to the driver that a trial begins."""
        self._channel.send(Begun(trial))

    def foresee(self) -> None:
        """Ask for the next trial without waiting; the answer is read later."""
        if not self._asked:
            self._asked = True
            self._channel.send(Ask(self._place))

    def _listen(self) -> None:
        while self._channel.poll():
            self._hear(self._channel.recv())

    def _hear(self, message: ToWorker) -> None:
        match message:
            case Judgement(trial, attempt, verdict):
                self._verdicts[trial, attempt] = verdict
            case Closing():
                self._closing = True
            case Work():
                self._answer = message

    def report(self, epoch: Epoch) -> Verdict:
        """Send an epoch, and return the latest known verdict."""
        self._channel.send(epoch)
        self._listen()
        return self._verdicts.get((epoch.trial, epoch.attempt), Verdict.GO)

    def load(self, trial: int) -> bytes | None:
        """Return the checkpoint that came with the trial, and redirect output to the trial's log."""
        work = self._work[trial]
        self._log_to(Path(work.log))
        return work.checkpoint

    def save(self, trial: int, state: bytes, best: bool) -> None:
        """Send a checkpoint to the driver, which saves it."""
        self._channel.send(Checkpoint(trial, state, best))

    def note(self, text: str) -> None:
        """Send a note for the user."""
        self._channel.send(Note(text))

    def done(self, outcome: Outcome) -> None:
        """Send the outcome of the trial."""
        self._channel.send(outcome)
        del self._work[outcome.trial]
        self._verdicts.pop((outcome.trial, outcome.attempt), None)
        self._log_to(None)


def _end_with_the_driver() -> None:
    """End this worker with the driver: a killed driver sends no message."""
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    end_children()
    os._exit(1)
