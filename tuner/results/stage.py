"""A stage of a confirmation: the state of its race by the existing runs, and the next runs.

Runs belong to the race, or are held out for the pick's interval. The runs of a candidate in the race make its standing.
This module reads records and writes nothing.
"""

from __future__ import annotations

import enum
import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.errors import listing
from tuner.goal import Direction
from tuner.protocol import Fixed, State
from tuner.results.mean_curve import Curves, are_comparable, curves_of, value_at
from tuner.results.racing import Race, race, scored
from tuner.results.recorded_rates import rates_of, watches
from tuner.settings import Confirm
from tuner.study import Record, Study

AGAIN = frozenset({State.FAILED, State.LOST, State.OUT_OF_MEMORY, State.TIMED_OUT})
"""States of runs that may be retried: a full disk or a busy machine is not the candidate's fault."""


class Part(enum.Enum):
    """The purpose of a run: the choice, or the interval of the chosen one."""

    RACE = "race"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate, by its trial's number in the search, on one seed, the `repeat`-th of its part.

    `fixed` is where it ends; None if a function decides its own end.
    """

    candidate: int
    part: Part
    repeat: int
    splits: bool
    fixed: Fixed | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes that mark its trial."""
        return {
            "candidate": self.candidate,
            "part": self.part.value,
            "repeat": self.repeat,
            "splits": self.splits,
            **(self.fixed.facts if self.fixed is not None else {}),
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Run | None:
        """Return the run of a trial's attributes; None if the trial is no run."""
        if "candidate" not in facts:
            return None
        return cls(facts["candidate"], Part(facts["part"]), facts["repeat"], facts["splits"], Fixed.of(facts))


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate: the search's trial, and its values on the common seeds in order, as the race scores them.

    `epoch` is the best of its mean curve over those seeds, or that of its trial without a race. It is None if no epoch
    is known, as for a function that only returns its value. `given_up` is the number of seeds after which it could no
    longer win. `out` says why it dropped out: one of its runs failed or broke a bound.
    """

    trial: Record
    values: tuple[float, ...]
    epoch: int | None = None
    given_up: int | None = None
    out: str = ""

    @property
    def mean(self) -> float | None:
        """The mean over the common seeds: it decides the race, and is optimistic for the winner."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def leading(self) -> bool:
        """Whether it is the pick, or cannot be distinguished from it."""
        return self.given_up is None and not self.out


class Stage:
    """The race as far as the runs reach, and the pick's held-out runs: those that exist and those to come.

    A pick whose held-out run fails drops out, and the race is repeated without it.

    Args:
        study: the study of the search.
        candidates: its trials, the best first.
        terms: the terms of the confirmation.
        trials: the record of each existing run.
        overlap: n_valid / n_train if each seed draws new rows, else 0.
    """

    def __init__(
        self, study: Study, candidates: Sequence[Record], terms: Confirm, trials: Mapping[Run, Record], overlap: float
    ) -> None:
        self._study = study
        self._candidates = {record.number: record for record in candidates}
        self._terms = terms
        self._trials = trials
        self._overlap = overlap
        self._is_function = study.space.objective.own_training
        self._out: dict[int, str] = {}
        self.failed: list[Run] = []
        self.held: tuple[float, ...] = ()
        self.rates: tuple[tuple[int, float], ...] = ()
        self._by_epoch = self._are_comparable()
        self._curves = {number: self._raced(number) for number in self._candidates}
        self._ran = self._race()
        self.wanted = self._next()
        while not self._ran.due and self.wanted and not self._hold(self.wanted):
            self._ran = self._race()
            self.wanted = self._next()

    def _are_comparable(self) -> bool:
        """Return whether runs count at an epoch of the mean curve, as all do without a user's function."""
        groups: dict[tuple[int, Part], list[Record]] = {}
        for run, record in self._trials.items():
            if record.complete and run.splits == self._terms.splits and run.candidate in self._candidates:
                groups.setdefault((run.candidate, run.part), []).append(record)
        if not self._is_function:
            return True
        return bool(groups) and are_comparable(self._study.goal, groups.values())

    def _race_runs(self, number: int) -> list[Run]:
        """Return the race runs of a candidate, each as long as its trial in the search, if that is known."""
        epochs = self._candidates[number].epochs
        fixed = Fixed(epochs[-1]) if epochs and not self._is_function else None
        return [Run(number, Part.RACE, i, self._terms.splits, fixed) for i in range(self._terms.seeds)]

    def _raced(self, number: int) -> Curves:
        records = self._complete(self._race_runs(number))
        curves = curves_of(self._study.goal, records, self._by_epoch)
        if records and not curves.fits:
            self._drop(number, f"its {len(records)} runs have no epoch at which all keep {self._bounds}")
        return curves

    def _complete(self, runs: Sequence[Run]) -> list[Record]:
        """Return the records of the runs before the first missing one; a failed run drops its candidate."""
        there = [(run, self._trials[run]) for run in runs if run in self._trials and self._trials[run].finished]
        for run, record in there:
            if not record.complete:
                self._drop(run.candidate, f"its run {record.number} is {record.state}, {record.why}")
                self.failed += [run] if record.state in AGAIN else []
        first = itertools.takewhile(lambda run: run in self._trials and self._trials[run].complete, runs)
        return [self._trials[run] for run in first]

    @property
    def _bounds(self) -> str:
        return listing(map(str, self._study.goal.bounds))

    def _drop(self, number: int, why: str) -> None:
        self._out.setdefault(number, why)

    def _race(self) -> Race:
        sign = 1 if self._study.goal.direction is Direction.MAXIMIZE else -1
        racing = {number: each.curves for number, each in self._curves.items() if number not in self._out}
        known = {each.number: sign * each.value for each in self._candidates.values() if each.value is not None}
        return race(racing, self._terms.seeds, len(self._candidates), known, self._overlap)

    def _next(self) -> list[Run]:
        """Return all runs of this stage: those of the race up to the next look, then the held-out ones."""
        if self._ran.due:
            runs = [self._race_runs(number) for number in sorted(self._ran.leading)]
            return [each[i] for i in range(self._ran.due) for each in runs]
        if not self._ran.leading:
            return []
        pick = self._ran.leading[0]
        fixed = self._fixed(pick)
        self.rates = () if fixed is None else fixed.rates
        return [Run(pick, Part.HELD_OUT, i, self._terms.splits, fixed) for i in range(self._terms.seeds)]

    def _epoch(self, number: int) -> int | None:
        """Return the epoch of a candidate: the best of its mean curve, or that of its trial without a race."""
        if not self._by_epoch:
            return None
        return self._curves[number].epoch if self._curves[number].records else self._candidates[number].epoch

    def _fixed(self, pick: int) -> Fixed | None:
        """Return the end of the pick's held-out runs, and their learning rates."""
        epoch, record = self._epoch(pick), self._candidates[pick]
        if epoch is None or self._is_function:
            return None
        typical = self._curves[pick].median or record
        return Fixed(epoch, rates_of(typical, epoch) if watches(self._study, record) else ())

    def _hold(self, runs: Sequence[Run]) -> bool:
        """Count the pick's held-out runs; return False if one failed, which drops the pick."""
        pick, goal = runs[0].candidate, self._study.goal
        epoch, values = self._epoch(pick), list[float]()
        for record in self._complete(runs):
            own = record.value if record.feasible else None
            value = own if epoch is None else value_at(goal, record, epoch)
            if value is None:
                where = "" if epoch is None else f" at epoch {epoch}"
                self._drop(pick, f"its run {record.number} does not keep {self._bounds}{where}")
                break
            values.append(value)
        self.held = () if pick in self._out else tuple(values)
        return pick not in self._out

    def standings(self) -> list[Standing]:
        """Return the candidates: leading ones by the race, then those given up, the last first, then the rest."""
        return sorted(map(self._standing, self._candidates.values()), key=self._place)

    def _standing(self, record: Record) -> Standing:
        number = record.number
        given_up, out = self._ran.given_up.get(number), self._out.get(number, "")
        curves = self._curves[number].curves[: given_up or self._terms.seeds]
        sign = 1 if self._study.goal.direction is Direction.MAXIMIZE else -1
        values = () if out else tuple(sign * value for value in scored(curves))
        return Standing(record, values, self._epoch(number), given_up, out)

    def _place(self, standing: Standing) -> tuple[int, float]:
        if standing.out:
            return 2, 0.0
        if standing.given_up is not None:
            return 1, -standing.given_up
        return 0, self._ran.leading.index(standing.trial.number)
