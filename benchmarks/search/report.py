"""The report: mean normalised regret and mean rank after some trials, each with a bootstrap interval.

A contestant's regret after n trials is that of the best of the first n that ended. Its rank is among all contestants
on the same table with the same seed: 1 is the best, ties share their mean. The interval is of 95 %, from resampled
pairs of table and seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.search.cells import Cell, Load
from benchmarks.search.course import Course
from benchmarks.search.forms import Kind
from benchmarks.search.tables import Table, load
from benchmarks.search_contestants.entrants import ENTRANTS

CHECKPOINTS = (20, 50, 100)
"""Numbers of trials after which contestants are compared; the last is that of all trials, if it is less."""

RESAMPLED = 2000
"""Number of resamples of an interval."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with the ends of its interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Mean:
        """Return the mean of one value for each pair of table and seed."""
        picks = np.random.default_rng(0).integers(len(values), size=(RESAMPLED, len(values)))
        low, high = np.quantile(values[picks].mean(axis=1), (0.025, 0.975))
        return cls(float(values.mean()), float(low), float(high))

    def __str__(self) -> str:
        return f"{self.mean:.3g} ({self.low:.3g}-{self.high:.3g})"


@dataclass(frozen=True, slots=True)
class Line:
    """One contestant on one form with some workers.

    Attributes:
        regrets: by number of trials.
        ranks: likewise.
        milliseconds: what the contestant itself took for a trial.
        pairs: number of pairs of table and seed.
    """

    kind: Kind
    workers: int
    contestant: str
    regrets: Mapping[int, Mean]
    ranks: Mapping[int, Mean]
    milliseconds: float
    pairs: int


def checkpoints(trials: int) -> tuple[int, ...]:
    """Return the numbers of trials after which searches of `trials` are compared."""
    return (*(n for n in CHECKPOINTS if n < trials), trials)


def lines(found: Mapping[Cell, Course], load: Load = load) -> list[Line]:
    """Return a line for each form, number of workers and contestant; each has the same pairs of table and seed."""
    races = sorted({(cell.kind, cell.workers) for cell in found})
    return [line for kind, workers in races for line in _race(found, kind, workers, load)]


def _race(found: Mapping[Cell, Course], kind: Kind, workers: int, load: Load) -> list[Line]:
    cells = sorted(cell for cell in found if (cell.kind, cell.workers) == (kind, workers))
    own = {name: [cell for cell in cells if cell.contestant == name] for name in ENTRANTS}
    own = {name: those for name, those in own.items() if those}
    after = checkpoints(cells[0].trials)
    regrets = np.array([[_regrets(found[cell], load(cell.table), after) for cell in those] for those in own.values()])
    ranks = rankdata(regrets.round(12), axis=0)
    return [
        Line(
            kind,
            workers,
            name,
            {n: Mean.of(regrets[i, :, j]) for j, n in enumerate(after)},
            {n: Mean.of(ranks[i, :, j]) for j, n in enumerate(after)},
            float(np.mean([found[cell].milliseconds for cell in those])),
            len(those),
        )
        for i, (name, those) in enumerate(own.items())
    ]


def _regrets(course: Course, table: Table, after: Sequence[int]) -> NDArray[np.float64]:
    best = np.minimum.accumulate(np.array(course.losses))
    return table.regret(best[[n - 1 for n in after]])


def text(found: Sequence[Line]) -> str:
    """Return the lines as a table of plain text."""
    after = list(found[0].regrets)
    heads = ["form", "workers", "contestant", *(f"regret {n}" for n in after), *(f"rank {n}" for n in after)]
    rows = [[*heads, "ms a trial", "pairs"]]
    for line in found:
        means = [*line.regrets.values(), *line.ranks.values()]
        facts = [line.kind, line.workers, ENTRANTS[line.contestant].title, *means, f"{line.milliseconds:.3g}"]
        rows.append([*map(str, facts), str(line.pairs)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
