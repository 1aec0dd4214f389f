"""Training on rows that each seed draws anew: the engine of a confirmation with fresh splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from tuner.protocol import Port
from tuner.training import Job
from tuner.trial import run_trial


@dataclass(frozen=True, slots=True)
class Redrawn:
    """The engine that trains each trial on the job of its seed, or on `usual` where none is drawn for it; picklable.

    A trial is checkpointed at an epoch's end, at least every `interval` seconds.
    """

    usual: Job
    drawn: Mapping[int, Job]
    interval: float

    @property
    def base(self) -> str:
        """The folder that own code is looked up from."""
        return self.usual.base

    def at(self, device: torch.device, base: str) -> Redrawn:
        """The same on another device, with own code looked up from another folder."""
        drawn = {seed: job.at(device, base) for seed, job in self.drawn.items()}
        return replace(self, usual=self.usual.at(device, base), drawn=drawn)

    def __call__(self, port: Port) -> None:
        """Train until the port has no more."""
        while (trial := port.take()) is not None:
            port.begin(trial.number)
            port.done(run_trial(self.drawn.get(trial.seed, self.usual), trial, port, self.interval))
