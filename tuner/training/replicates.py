"""The replicates of a trial: one config trained on each fold and from each seed, epoch by epoch in step."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from tuner.config import Config
from tuner.protocol import DEVIATION, Fixed
from tuner.runtime.seeds import derive
from tuner.training.job import Job
from tuner.training.metrics import significant
from tuner.training.training_run import Run
from tuner.training.weights import Weights, saved


def seeds_of(seed: int, count: int) -> list[int]:
    """Return the seeds of a trial's replicates; the first is the trial's own."""
    return [seed, *(derive(seed, "replicate", i) for i in range(1, count))]


def mean_of(told: Sequence[Mapping[str, float]], objectives: Sequence[str]) -> dict[str, float]:
    """Return the means of the metrics of several replicates, and the standard deviations of the objectives."""
    if len(told) == 1:
        return dict(told[0])
    means = {name: significant(sum(each[name] for each in told) / len(told)) for name in told[0]}
    for name in objectives:
        values = [each[name] for each in told if name in each]
        if values:
            is_finite = all(map(math.isfinite, values))
            means[name + DEVIATION] = significant(statistics.stdev(values)) if is_finite else math.nan
    return means


@dataclass(frozen=True, slots=True)
class Replicates:
    """The runs of one trial, at least one. Without folds and further seeds it is one, that of the trial's own seed."""

    runs: tuple[Run, ...]

    @classmethod
    def build(cls, job: Job, config: Config, seed: int, fixed: Fixed | None = None) -> Replicates:
        """Build a run for each fold and seed.

        Raises:
            BuildError: a class refuses its arguments, or two parts do not fit each other.
        """
        folds = [fold for fold in job.folds for _ in range(config.training.seeds)]
        seeds = seeds_of(seed, len(folds))
        return cls(tuple(Run.build(fold, config, own, fixed) for fold, own in zip(folds, seeds, strict=True)))

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    @property
    def first(self) -> Run:
        """The run of the trial's own seed, on the first fold."""
        return self.runs[0]

    def weights(self) -> Weights:
        """Return a copy of the scored weights, on the CPU.

        Raises:
            TunerError: an extra state is of objects that only a pickle brings back.
            Exception: whatever a `state_dict` of user code raises.
        """
        return together([run.weights() for run in self.runs])

    def state(self, progress: Mapping[str, float], best: Weights | None = None) -> bytes:
        """Return a checkpoint with `progress` and the weights of the best epoch."""
        first, *others = self.runs
        if not others:
            return first.state(progress, best)
        return saved({"progress": dict(progress), "best": best, "runs": [run.state({}) for run in self.runs]})

    def restore(self, state: bytes) -> tuple[dict[str, float], Weights | None]:
        """Restore a checkpoint and return its progress and its best weights."""
        first, *others = self.runs
        if not others:
            return first.restore(state)
        kept = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        for run, own in zip(self.runs, kept["runs"], strict=True):
            run.restore(own)
        return kept["progress"], kept["best"]


def together(weights: Sequence[Weights]) -> Weights:
    """Return the weights of several replicates, by the number of each and their names; of one by their names."""
    if len(weights) == 1:
        return weights[0]
    return {f"{number}.{name}": value for number, each in enumerate(weights) for name, value in each.items()}
