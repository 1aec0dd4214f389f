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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuner.goal import LIMITS, Direction, Goal
from tuner.results.racing import Interval, interval, luck
from tuner.results.stage import Run, Stage, Standing
from tuner.settings import Confirm
from tuner.study import Record, Study
from tuner.study.registry import sibling
from tuner.study.study import noted

if TYPE_CHECKING:
    from tuner.results.results import Results

CONFIRM = "confirm"
"""What is noted of a sibling: whose it is, its candidates and its terms."""


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
    terms: Confirm
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


def candidates_of(search: Results, top: int) -> list[Record]:
    """Return the best trials of a search, at most `top`, each config once; the best first."""
    chosen: dict[str, Record] = {}
    for record in search.study.ranked(search.records):
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


def search_of(runs: Study) -> Study | None:
    """Return the study whose confirmation a study has the runs of; None if it is none's, or another of that name."""
    search = sibling(runs, name) if (name := confirms(runs)) else None
    return search if search is not None and search.made_here and noted(runs, CONFIRM).get("of") == search.uid else None


def read(search: Results, runs: Results) -> Confirmation | None:
    """Return how a confirmation stands by what is noted of it; None if it is of trials later than the search's here.

    Args:
        search: the study that is confirmed.
        runs: the study of the confirmation's runs.
    """
    facts = noted(runs.study, CONFIRM)
    terms = Confirm(facts["top"], facts["seeds"], facts["splits"])
    overlap = facts.get("overlap", math.inf if terms.splits else 0.0)
    if max(facts["candidates"]) >= len(search.records):
        return None
    candidates = [search.records[number] for number in facts["candidates"]]
    return confirmation(search, candidates, terms, runs.records, overlap)


def confirmation(
    search: Results, candidates: Sequence[Record], terms: Confirm, runs: Sequence[Record], overlap: float
) -> Confirmation:
    """Return how a confirmation stands.

    Args:
        search: the study that is confirmed.
        candidates: at least one of its trials, the best first.
        terms: of the confirmation.
        runs: all trials of the sibling, among them perhaps some of earlier terms; of two of one run the later counts.
        overlap: n_valid / n_train where each seed draws its rows anew, else 0.
    """
    trials = {run: record for record in runs if (run := Run.of(record.attributes)) is not None}
    study, best = search.study, search.best
    stage = Stage(study, candidates, terms, trials, overlap)
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
