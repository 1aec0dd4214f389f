"""The serial engine: one trial after the other. The next one is built while the last epoch trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from tuner.engines.run_trial import run_trial
from tuner.protocol import Epoch, Port, Trial, Verdict
from tuner.training import Job

SHORT = 1.0
"""Seconds of an epoch. After a longer one, a wait costs little, and the next trial knows this one's end."""


@dataclass(frozen=True, slots=True)
class Serial:
    """The engine that trains one trial after the other. It is picklable, so any process may run it.

    A trial is checkpointed at an epoch's end, at least every `interval` seconds. Shorter trials have no checkpoints and
    simply run again.
    """

    job: Job
    interval: float

    @property
    def base(self) -> str:
        """The folder of user code."""
        return self.job.base

    def at(self, device: torch.device, base: str) -> Serial:
        """Return the same engine on another device, with user code from another folder."""
        return replace(self, job=self.job.at(device, base))

    def __call__(self, port: Port) -> None:
        """Train until the port has no more trials."""
        while (trial := port.take()) is not None:
            port.begin(trial.number)
            port.done(run_trial(self.job, trial, _Foreseeing(port, trial), self.interval))


class _Foreseeing:
    """Wrap a port: ask for the next trial while the last, short epoch still trains."""

    def __init__(self, port: Port, trial: Trial) -> None:
        self._port = port
        self._last = trial.epochs
        self.load, self.save = port.load, port.save

    def report(self, epoch: Epoch) -> Verdict:
        """Report an epoch, and ask for the next trial at the right moment."""
        verdict = self._port.report(epoch)
        if verdict is Verdict.GO and epoch.epoch == self._last - 1 and epoch.seconds < SHORT:
            self._port.foresee()
        return verdict


@dataclass(frozen=True, slots=True)
class SerialOverSplits:
    """The engine that trains each trial on the job of its seed, else on `usual`. It is picklable.

    A trial is checkpointed at an epoch's end, at least every `interval` seconds.
    """

    usual: Job
    drawn: Mapping[int, Job]
    interval: float

    @property
    def base(self) -> str:
        """The folder of user code."""
        return self.usual.base

    def at(self, device: torch.device, base: str) -> SerialOverSplits:
        """Return the same engine on another device, with user code from another folder."""
        drawn = {seed: job.at(device, base) for seed, job in self.drawn.items()}
        return replace(self, usual=self.usual.at(device, base), drawn=drawn)

    def __call__(self, port: Port) -> None:
        """Train until the port has no more trials."""
        while (trial := port.take()) is not None:
            port.begin(trial.number)
            port.done(run_trial(self.drawn.get(trial.seed, self.usual), trial, port, self.interval))
