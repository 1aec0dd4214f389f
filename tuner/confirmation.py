"""A confirmation: what fresh seeds say of a study's best trials, the candidates.

The best of many noisy values is too good to be true, and so is the best of a few means. Candidates race over
common fresh seeds (`racing`), the pick is the one of the best mean, and then it is trained on as many further
seeds that have no say in the choice: its mean and interval are of those alone. Only validation rows are
scored. The runs are the trials of a sibling study, `NAME.confirm`; here they are read, and nothing is written.
"""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import UsageError
from tuner.goal import LIMITS, Direction, Goal
from tuner.port import State
from tuner.racing import Interval, Race, interval, race
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
    """One candidate, by its trial's number in the search, on one seed, the `repeat`-th of its part."""

    candidate: int
    part: Part
    repeat: int
    splits: bool

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes by which its trial is known."""
        return {
            "candidate": self.candidate,
            "part": self.part.value,
            "repeat": self.repeat,
            "splits": self.splits,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Run | None:
        """That of a trial's attributes, if it is one."""
        if "candidate" not in facts:
            return None
        return cls(facts["candidate"], Part(facts["part"]), facts["repeat"], facts["splits"])


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate: the search's trial, and its values on the common seeds, in their order.

    `given_up` is after how many of them it could no longer win; `out` says why it dropped out: a run of it did
    not come to its end, or broke a bound.
    """

    trial: Record
    values: tuple[float, ...]
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
    `limits` are what values lie between.
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
    def failed(self) -> tuple[Run, ...]:
        """The runs by which candidates dropped out, and that another try may mend."""
        out = {standing.trial.number for standing in self.standings if standing.out}
        return tuple(
            run
            for run, record in self.trials.items()
            if run.candidate in out and run.splits == self.terms.splits and record.state in AGAIN
        )

    @property
    def ended(self) -> int:
        """How many runs have ended, those of earlier terms included."""
        return sum(record.finished for record in self.trials.values())

    def interval(self, standing: Standing) -> Interval | None:
        """The mean of a candidate, where it is known, with its 95 % interval; the pick's is of its held out seeds."""
        found = interval(self.held if standing is self.pick else standing.values)
        return None if found is None else found.within(*self.limits)

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
    return confirmation(study, [records[number] for number in facts["candidates"]], terms, runs.records())


def confirmation(study: Study, candidates: Sequence[Record], terms: Terms, runs: Sequence[Record]) -> Confirmation:
    """How it stands.

    Args:
        study: that of the search.
        candidates: at least one of its trials, the best first.
        terms: of the confirmation.
        runs: all trials of the sibling, among them perhaps some of earlier terms; of two of one run the later counts.
    """
    trials = {run: record for record in runs if (run := Run.of(record.attributes)) is not None}
    entries = [_entry(record, terms, trials) for record in candidates]
    sign = 1 if study.goal.direction is Direction.MAXIMIZE else -1
    racing = {each.trial.number: [sign * value for value in each.values] for each in entries if not each.out}
    before = {record.number: sign * record.value for record in candidates if record.value is not None}
    ran = race(racing, terms.seeds, len(candidates), before)
    standings = sorted((_stood(each, ran, terms) for each in entries), key=lambda each: _place(each, ran))
    wanted = _wanted(ran, terms)
    best = study.best()
    return Confirmation(
        study=sibling_name(study),
        goal=study.goal,
        terms=terms,
        standings=tuple(standings),
        held=_values(ran.leading[0], Part.HELD_OUT, terms, trials) if ran.leading and not ran.due else (),
        wanted=tuple(run for run in wanted if run not in trials or not trials[run].finished),
        winner=candidates[0].number,
        current=best is not None and any(best.number == record.number for record in candidates),
        limits=_limits(study),
        trials=trials,
    )


def _limits(study: Study) -> tuple[float, float]:
    """A function of one's own may call anything by a name of ours."""
    own = study.space.objective.function is not None
    return (-math.inf, math.inf) if own else LIMITS.get(study.goal.metric, (-math.inf, math.inf))


def _wanted(ran: Race, terms: Terms) -> list[Run]:
    """All runs of this stage: those of the race up to the next look, then those that are held out."""
    if ran.due:
        return [Run(each, Part.RACE, i, terms.splits) for i in range(ran.due) for each in sorted(ran.leading)]
    return [Run(each, Part.HELD_OUT, i, terms.splits) for each in ran.leading[:1] for i in range(terms.seeds)]


def _entry(candidate: Record, terms: Terms, trials: Mapping[Run, Record]) -> Standing:
    runs = [Run(candidate.number, part, i, terms.splits) for part in Part for i in range(terms.seeds)]
    broken = [trials[run] for run in runs if run in trials and trials[run].finished and not trials[run].sound]
    out = f"its run {broken[0].number} is {broken[0].state}, {broken[0].why}" if broken else ""
    return Standing(candidate, _values(candidate.number, Part.RACE, terms, trials), out=out)


def _values(candidate: int, part: Part, terms: Terms, trials: Mapping[Run, Record]) -> tuple[float, ...]:
    """The values on the first seeds of a part, up to the first that is missing."""
    values: list[float] = []
    for i in range(terms.seeds):
        record = trials.get(Run(candidate, part, i, terms.splits))
        if record is None or not record.sound or record.value is None:
            break
        values.append(record.value)
    return tuple(values)


def _stood(entry: Standing, ran: Race, terms: Terms) -> Standing:
    given_up = ran.given_up.get(entry.trial.number)
    return Standing(entry.trial, entry.values[: given_up or terms.seeds], given_up, entry.out)


def _place(standing: Standing, ran: Race) -> tuple[int, float]:
    """Those that lead in the order of the race, then those that were given up, the last first, then those out."""
    if standing.out:
        return 2, 0.0
    if standing.given_up is not None:
        return 1, -standing.given_up
    return 0, ran.leading.index(standing.trial.number)
