"""What a worker and the driver say to each other; epochs, outcomes and trials go as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tuner.protocol import Epoch, Outcome, Place, Trial, Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker is free, and this is where it is; one that does not `wait` is to be told when there is no trial."""

    place: Place
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    """A worker runs a trial's code from now on; until then it only holds it."""

    trial: int


@dataclass(frozen=True, slots=True)
class Note:
    """What a worker tells the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A worker's checkpoint of its trial, which the driver keeps."""

    trial: int
    state: bytes
    best: bool


@dataclass(frozen=True, slots=True)
class Output:
    """What a trial has printed, from a worker that shares no disk with the driver."""

    trial: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Gone:
    """The worker has ended: `cause` says how, and is empty where it was told to."""

    cause: str


@dataclass(frozen=True, slots=True)
class Work:
    """The answer to `Ask`: a trial, the checkpoint to go on from and the file for its output; or no more work."""

    trial: Trial | None
    checkpoint: bytes | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The driver's verdict on a trial that is not simply to go on."""

    trial: int
    attempt: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Closing:
    """Trials that have not begun are to be given back."""


FromWorker: TypeAlias = Ask | Begun | Note | Epoch | Checkpoint | Output | Outcome | Gone
ToWorker: TypeAlias = Work | Judgement | Closing
