"""The course of a search in simulated time: workers end in the order of the table's training times.

Nothing trains. Each worker is busy for as long as its config trained when the table was recorded. A worker that ends
gets the next config at once, and the contestant knows only the results that came before.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.search.forms import Form


@dataclass(frozen=True, slots=True)
class Asked:
    """A config to evaluate: the contestant's number for it, and the filled space."""

    number: int
    config: Mapping[str, Any]


class Contestant(Protocol):
    """Chooses configs of one search. Numbers count from 0 in the order of asking."""

    def ask(self) -> Asked:
        """Return the next config, which then runs."""
        ...

    def tell(self, number: int, loss: float) -> None:
        """Take the loss of a config that has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """What a search evaluated.

    Attributes:
        losses: in the order in which the trials ended.
        ends: the simulated second of each end, ascending.
        milliseconds: what the contestant itself took for a trial, on average.
    """

    losses: tuple[float, ...]
    ends: tuple[float, ...]
    milliseconds: float


def run(contestant: Contestant, form: Form, workers: int, trials: int) -> Course:
    """Let a contestant search until `trials` trials have ended."""
    running: list[tuple[float, int, float]] = []  # of equal ends, what was asked for first is told first
    losses: list[float] = []
    ends: list[float] = []
    now = spent = 0.0
    while len(losses) < trials:
        began = time.perf_counter()
        while len(running) < workers and len(losses) + len(running) < trials:
            asked = contestant.ask()
            heapq.heappush(running, (now + form.seconds(asked.config), asked.number, form.loss(asked.config)))
        now, number, loss = heapq.heappop(running)
        contestant.tell(number, loss)
        spent += time.perf_counter() - began
        losses.append(loss)
        ends.append(now)
    return Course(tuple(losses), tuple(ends), 1000 * spent / trials)
