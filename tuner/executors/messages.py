"""Messages between a worker and the driver; epochs, outcomes and trials are sent as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tuner.protocol import Epoch, Outcome, Place, Trial, Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """A free worker asks for a trial from its place. Without `wait` it is told if there is none."""

    place: Place
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """A worker starts to run a trial's code; until then it only holds it."""

    trial: int


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a worker for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A worker's checkpoint of its trial, for the driver to save."""

    trial: int
    state: bytes
    best: bool


@dataclass(frozen=True, slots=True)
class Output:
    """Output of a trial, from a worker that shares no disk with the driver."""

    trial: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """The worker has ended. `cause` is the reason; it is empty if the worker was told to end."""

    cause: str


@dataclass(frozen=True, slots=True)
class Work:
    """The answer to `Ask`: a trial, its checkpoint and the file for its output; or no more work."""

    trial: Trial | None
    checkpoint: bytes | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The driver's verdict on a trial, other than GO."""

    trial: int
    attempt: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Closing:
    """Trials that have not begun must be given back."""


FromWorker: TypeAlias = Ask | Begun | Note | Epoch | Checkpoint | Output | Outcome | Gone
ToWorker: TypeAlias = Work | Judgement | Closing
