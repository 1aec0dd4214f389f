"""What a worker process and the driver say to each other; epochs, outcomes and trials go as they are."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.port import Trial, Verdict


@dataclass(frozen=True, slots=True)
class Ask:
    """A worker is free."""


@dataclass(frozen=True, slots=True)
class Work:
    """The answer: a trial with the checkpoint to go on from, or None when there is no more."""

    trial: Trial | None
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A worker's checkpoint of its trial, which the driver keeps."""

    trial: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Judgement:
    """The driver's verdict on a trial that is not simply to go on."""

    trial: int
    attempt: int
    verdict: Verdict
