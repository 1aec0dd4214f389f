"""A confirmation: what fresh seeds say of a study's best trials, the candidates.

The best of many noisy values is too good to be true, and so is the best of a few means. Candidates race over
common fresh seeds (`racing`), and the pick is the one of the best mean. Then it is trained on as many further
seeds that have no say in the choice: its mean and interval are of those alone. Only validation rows are
scored. The runs are the trials of a sibling study, `NAME.confirm`; here they are read, and nothing is written.

What is confirmed is what is exported: training up to one epoch. A candidate's epoch is the best of its mean
curve over the seeds of its race (`curve`), within the epochs that its trial in the search has trained. The further
runs end at that epoch and are scored there, not at their own best. Where a schedule watches a metric they replay the
learning rates of the race's run whose value there is the median.
"""

from __future__ import annotations

import enum
import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.curve import Curves, are_comparable, curves_of, value_at
from tuner.errors import UsageError, listing
from tuner.goal import LIMITS, Direction, Goal
from tuner.port import Fixed, State
from tuner.racing import Interval, Race, interval, luck, race, scored
from tuner.rates import rates_of, watches
from tuner.study import Record, Study
from tuner.study.planned import noted, sibling

AGAIN = frozenset(state.value for state in (State.FAILED, State.LOST, State.OUT_OF_MEMORY, State.TIMED_OUT))
"""How runs end that another try may bring to their end: a full disk or a busy machine is nobody's merit."""

CONFIRM = "confirm"
"""What is noted of a sibling: whose it is, its candidates and its terms."""


class Part(enum.Enum):
    """What a run is for: the choice, or the interval of what was chosen."""

    RACE = "race"
    HELD_OUT = "held out"


@dataclass(frozen=True, slots=True)
class Terms:
    """How many candidates, on how many seeds, and whether each seed draws training and validation rows anew."""

    top: int = 5
    seeds: int = 5
    splits: bool = False

    def __post_init__(self) -> None:
        for name, value, low in (("--top", self.top, 1), ("--seeds", self.seeds, 2)):
            if value < low:
                raise UsageError(f"{name} {value}: must be a whole number of at least {low}")


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


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How a confirmation stands.

    `study` is its own study. `standings` begin with the candidates that lead, the best mean first. `held` are
    the pick's values on the seeds that had no say; `wanted` are the runs that must end next, none when the
    confirmation is complete or every candidate is out. `winner` is the number of the search's best trial when
    the candidates were chosen; `current` is whether the best by now is among them: the search may have gone on.
    `limits` are what values lie between. `overlap` is n_valid / n_train where each seed draws its rows anew, else 0;
    it is infinite, and intervals say nothing, where an earlier version has not noted it. `failed` are the runs by which
    candidates dropped out and that another try may mend. `rates` are the learning rates that the pick's further runs
    replay.
    """

    study: str
    goal: Goal
    terms: Terms
    standings: tuple[Standing, ...]
    held: tuple[float, ...]
    wanted: tuple[Run, ...]
    winner: int
    current: bool
    limits: tuple[float, float]
    overlap: float
    failed: tuple[Run, ...]
    rates: tuple[tuple[int, float], ...]
    trials: Mapping[Run, Record] = field(repr=False)

    @property
    def pick(self) -> Standing | None:
        """The candidate that was chosen; None before, and where all dropped out."""
        chosen = not self.wanted and self.standings[0].leading
        return self.standings[0] if chosen else None

    @property
    def believed(self) -> Record | None:
        """The search's trial of the pick, unless the search has found a better one since."""
        return self.pick.trial if self.pick is not None and self.current else None

    @property
    def counting(self) -> int:
        """How many runs the standings and the pick's interval are of."""
        return sum(len(standing.values) for standing in self.standings) + len(self.held)

    @property
    def ended(self) -> int:
        """How many runs have ended, those of earlier terms included."""
        return sum(record.finished for record in self.trials.values())

    def interval(self, standing: Standing) -> Interval | None:
        """The mean of a candidate, where it is known, with its 95 % interval; the pick's is of its held out seeds."""
        held = standing is self.pick
        found = interval(self.held, self.overlap, self._luck) if held else interval(standing.values, self.overlap)
        return None if found is None else found.within(*self.limits)

    @property
    def _luck(self) -> float:
        """The part of the pick's lead that it may owe to the rows that the race and the further draws share."""
        alike = [standing.mean for standing in self.standings if standing.leading and standing.mean is not None]
        return luck(alike, self.terms.seeds, self.overlap) if len(alike) > 1 else 0.0

    def fell(self, standing: Standing) -> float | None:
        """By how much the first estimate was too good; below 0 it was too bad."""
        found, first = self.interval(standing), standing.trial.value
        if found is None or first is None:
            return None
        return first - found.mean if self.goal.direction is Direction.MAXIMIZE else found.mean - first


def candidates_of(study: Study, top: int) -> list[Record]:
    """The best trials of a search, at most `top`, each config once; the best first."""
    chosen: dict[str, Record] = {}
    for record in study.ranked(study.records()):
        if record.sound and len(chosen) < top:
            chosen.setdefault(repr(sorted(record.params.items())), record)
    return list(chosen.values())


def sibling_name(study: Study) -> str:
    """What the study of a confirmation is called."""
    return f"{study.name}.{CONFIRM}"


def runs_of(study: Study) -> Study | None:
    """The study of a confirmation's runs, if there is one; that of a deleted study of the same name is not its."""
    runs = sibling(study, sibling_name(study)) if study.made_here else None
    return runs if runs is not None and noted(runs, CONFIRM).get("of") == study.uid else None


def confirms(runs: Study) -> str:
    """The name of the study whose confirmation a study has the runs of; empty if it has none's."""
    return runs.name.removesuffix(f".{CONFIRM}") if noted(runs, CONFIRM) else ""


def confirmed_by(runs: Study) -> Confirmation | None:
    """The confirmation that a study has the runs of; None if it is none's."""
    search = sibling(runs, name) if (name := confirms(runs)) else None
    return None if search is None or (owned := runs_of(search)) is None or owned.uid != runs.uid else read(search)


def read(study: Study) -> Confirmation | None:
    """The confirmation of a study, if there is one."""
    if (runs := runs_of(study)) is None:
        return None
    facts, records = noted(runs, CONFIRM), study.records()
    terms = Terms(facts["top"], facts["seeds"], facts["splits"])
    overlap = facts.get("overlap", math.inf if terms.splits else 0.0)
    return confirmation(study, [records[number] for number in facts["candidates"]], terms, runs.records(), overlap)


def confirmation(
    study: Study, candidates: Sequence[Record], terms: Terms, runs: Sequence[Record], overlap: float
) -> Confirmation:
    """How it stands.

    Args:
        study: that of the search.
        candidates: at least one of its trials, the best first.
        terms: of the confirmation.
        runs: all trials of the sibling, among them perhaps some of earlier terms; of two of one run the later counts.
        overlap: n_valid / n_train where each seed draws its rows anew, else 0.
    """
    trials = {run: record for record in runs if (run := Run.of(record.attributes)) is not None}
    best = study.best()
    stage = _Stage(study, candidates, terms, trials, overlap)
    return Confirmation(
        study=sibling_name(study),
        goal=study.goal,
        terms=terms,
        standings=tuple(stage.standings()),
        held=stage.held,
        wanted=tuple(run for run in stage.wanted if run not in trials or not trials[run].finished),
        winner=candidates[0].number,
        current=best is not None and any(best.number == record.number for record in candidates),
        limits=_limits(study),
        overlap=overlap,
        failed=tuple(stage.failed),
        rates=stage.rates,
        trials=trials,
    )


def _limits(study: Study) -> tuple[float, float]:
    """A function of one's own may call anything by a name of ours."""
    own = study.space.objective.function is not None
    return (-math.inf, math.inf) if own else LIMITS.get(study.goal.metric, (-math.inf, math.inf))


class _Stage:
    """The race as far as the runs reach, and the pick's further runs: what is there of them and what must come next.

    A pick that breaks in its further runs drops out, and the race is run again without it.

    Args:
        study: that of the search.
        candidates: its trials, the best first.
        terms: of the confirmation.
        trials: the record of each run that is there.
        overlap: as `confirmation` has it.
    """

    def __init__(
        self, study: Study, candidates: Sequence[Record], terms: Terms, trials: Mapping[Run, Record], overlap: float
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
