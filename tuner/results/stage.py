"""A stage of a confirmation: how its race stands by the runs that are there, and which runs must come next.

A confirmation goes by its terms. Its runs are for the race, or are held out for the interval of the pick; a candidate's
standing is what its runs in the race say. Records are read here, and nothing is written.
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
"""How runs end that another try may bring to their end: a full disk or a busy machine is nobody's merit."""


class Part(enum.Enum):
    """What a run is for: the choice, or the interval of what was chosen."""

    RACE = "race"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate, by its trial's number in the search, on one seed, the `repeat`-th of its part.

    `fixed` is where it ends; None is where the function that trains ends by itself.
    """

    candidate: int
    part: Part
    repeat: int
    splits: bool
    fixed: Fixed | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes by which its trial is known."""
        return {
            "candidate": self.candidate,
            "part": self.part.value,
            "repeat": self.repeat,
            "splits": self.splits,
            **(self.fixed.facts if self.fixed is not None else {}),
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Run | None:
        """That of a trial's attributes, if it is one."""
        if "candidate" not in facts:
            return None
        return cls(facts["candidate"], Part(facts["part"]), facts["repeat"], facts["splits"], Fixed.of(facts))


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate: the search's trial, and its values on the common seeds, in their order, as the race scores them.

    `epoch` is the best of its mean curve over those seeds; of a candidate without a race that of its trial. None is
    where no epoch is known, as of a function that only returns its value. `given_up` is after how many seeds it could
    no longer win; `out` says why it dropped out: a run of it did not come to its end, or broke a bound.
    """

    trial: Record
    values: tuple[float, ...]
    epoch: int | None = None
    given_up: int | None = None
    out: str = ""

    @property
    def mean(self) -> float | None:
        """Over the common seeds: what the race goes by, and flattering for its winner."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def leading(self) -> bool:
        """Whether it cannot be told apart from the pick, or is it."""
        return self.given_up is None and not self.out


class Stage:
    """The race as far as the runs reach, and the pick's further runs: what is there of them and what must come next.

    A pick that breaks in its further runs drops out, and the race is run again without it.

    Args:
        study: that of the search.
        candidates: its trials, the best first.
        terms: of the confirmation.
        trials: the record of each run that is there.
        overlap: n_valid / n_train where each seed draws its rows anew, else 0.
    """

    def __init__(
        self, study: Study, candidates: Sequence[Record], terms: Confirm, trials: Mapping[Run, Record], overlap: float
    ) -> None:
        self._study = study
        self._candidates = {record.number: record for record in candidates}
        self._terms = terms
        self._trials = trials
        self._overlap = overlap
        self._is_function = study.space.objective.function is not None
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
        """Whether runs count at an epoch of the mean curve, as all do that no function trains."""
        groups: dict[tuple[int, Part], list[Record]] = {}
        for run, record in self._trials.items():
            if record.complete and run.splits == self._terms.splits and run.candidate in self._candidates:
                groups.setdefault((run.candidate, run.part), []).append(record)
        if not self._is_function:
            return True
        return bool(groups) and are_comparable(self._study.goal, groups.values())

    def _race_runs(self, number: int) -> list[Run]:
        """Those of a candidate, each as long as its trial in the search, if that is known."""
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
        """The records of the first runs, up to the first that is missing; a candidate with a broken run drops out."""
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
        """All runs of this stage: those of the race up to the next look, then those that are held out."""
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
        """The epoch of a candidate: the best of its mean curve, without a race its trial's."""
        if not self._by_epoch:
            return None
        return self._curves[number].epoch if self._curves[number].records else self._candidates[number].epoch

    def _fixed(self, pick: int) -> Fixed | None:
        """Where the pick's further runs end, and by which rates they go."""
        epoch, record = self._epoch(pick), self._candidates[pick]
        if epoch is None or self._is_function:
            return None
        typical = self._curves[pick].median or record
        return Fixed(epoch, rates_of(typical, epoch) if watches(self._study, record) else ())

    def _hold(self, runs: Sequence[Run]) -> bool:
        """Take in the pick's further runs; False where one is broken, and the pick has dropped out by it."""
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
        """The candidates: those that lead, by their race, those that were given up, the last first, then the rest."""
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
