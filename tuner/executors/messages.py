"""What a worker and the driver say to each other; epochs, outcomes and trials go as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tuner.port import Epoch, Outcome, Place, Trial, Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker is free, and this is where it is."""

    place: Place


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


FromWorker: TypeAlias = Ask | Epoch | Checkpoint | Output | Outcome | Gone
ToWorker: TypeAlias = Work | Judgement
