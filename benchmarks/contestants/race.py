"""What a contestant is given, and what it answers: two small files of JSON between two processes."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from optuna.trial import FixedTrial

from benchmarks.jobs import JOBS, Config, Job, Params


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """Where a search for quality ends: the accuracy that it must reach, or so many trials or seconds without."""

    accuracy: float
    trials: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """The trials of a job. `options` are the contestant's own; with a `target` it chooses the parameters itself.

    `data` is the root of MNIST, empty where it is not needed; `launched` is the time of the start, in
    seconds since 1970.
    """

    job: str
    params: list[Params]
    data: str
    folder: str
    launched: float
    seed: int
    options: Mapping[str, Any]
    target: Target | None = None

    @property
    def what(self) -> Job:
        """The job."""
        return JOBS[self.job]

    @property
    def configs(self) -> list[Config]:
        """The trials as a script would say them."""
        return [self.what.suggest(FixedTrial(params)) for params in self.params]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Seconds until training could begin, and of training: of all trials, or until the target was reached.

    `accuracies` are those of the trials in their order, where all were trained. `cannot` says why a
    contestant is unable to take part.
    """

    startup: float = 0.0
    training: float = 0.0
    accuracies: list[float] = dataclasses.field(default_factory=list)
    cannot: str = ""


class Clock:
    """Counts a contestant's start-up until `go`, and its training from there."""

    def __init__(self, work: Work) -> None:
        self._launched = work.launched

    def go(self) -> None:
        """Start the clock, after all imports, loads and a warm-up."""
        self._began = time.perf_counter()

    def ready(self) -> None:
        """Note that the first trial can begin."""
        self.startup = time.time() - self._launched

    def stop(self, accuracies: list[float]) -> Answer:
        """Note that the last trial has ended, or that the target is reached."""
        return Answer(self.startup, time.perf_counter() - self._began, accuracies)


class ReachedError(Exception):
    """The target is reached, or given up."""


def play(contestant: Callable[[Work], Answer]) -> None:
    """Be a contestant's process: read the work that the first argument names, write the answer to the second."""
    told, answer = map(Path, sys.argv[1:])
    facts = json.loads(told.read_text())
    target = None if facts["target"] is None else Target(**facts["target"])
    answer.write_text(json.dumps(dataclasses.asdict(contestant(Work(**{**facts, "target": target})))))
