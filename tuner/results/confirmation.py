"""A confirmation: the best trials of a study, the candidates, trained again on fresh seeds.

The best of many noisy values is optimistic, and so is the best of a few means. Candidates race over common fresh seeds
(`racing`), and the one with the best mean is the pick. The pick is then trained on as many held-out seeds, which have
no part in the choice. Its mean and interval are of those alone. Only validation rows are scored. The runs are the
trials of a sibling study, `NAME.confirm`. This module reads them and writes nothing.

The confirmed config is the exported one: training up to one epoch. A candidate's epoch is the best of its mean curve
over the race's seeds. It lies within the epochs of its trial in the search. The held-out runs end at that epoch and are
scored there, not at their own best. If a schedule watches a metric, they replay learning rates of the race, from the
run with the median value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuner.goal import LIMITS, Direction, Goal
from tuner.results.mean_interval import Interval, interval, luck
from tuner.results.stage import Run, Stage, Standing
from tuner.settings import Confirm
from tuner.study import Record, Study
from tuner.study.registry import sibling
from tuner.study.study import CONFIRM, noted

if TYPE_CHECKING:
    from tuner.results.results import Results


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The state of a confirmation.

    `study` is its own study. `standings` begin with the leading candidates, the best mean first. `held` are the pick's
    values on the held-out seeds. `wanted` are the runs that must end next; none when the confirmation is complete or
    every candidate is out. `winner` is the number of the search's best trial when the candidates were chosen. `current`
    is whether the search's best trial is now among them. `limits` are the bounds of values. `overlap` is n_valid /
    n_train if each seed draws new rows, else 0. For some earlier versions it is infinite, and intervals are unknown.
    `folds` is whether each run scored all rows, by folds. `failed` are the runs that dropped candidates and that may
    be retried. `rates` are the learning rates that the held-out runs replay.
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
    folds: bool
    failed: tuple[Run, ...]
    rates: tuple[tuple[int, float], ...]
    trials: Mapping[Run, Record] = field(repr=False)

    @property
    def pick(self) -> Standing | None:
        """The chosen candidate; None before the choice, and if all dropped out."""
        chosen = not self.wanted and self.standings[0].leading
        return self.standings[0] if chosen else None

    @property
    def believed(self) -> Record | None:
        """The search's trial of the pick, unless the search has found a better one since."""
        return self.pick.trial if self.pick is not None and self.current else None

    @property
    def counting(self) -> int:
        """The number of runs behind the standings and the pick's interval."""
        return sum(len(standing.values) for standing in self.standings) + len(self.held)

    @property
    def ended(self) -> int:
        """The number of ended runs, those of earlier terms included."""
        return sum(record.finished for record in self.trials.values())

    def interval(self, standing: Standing) -> Interval | None:
        """Return a candidate's mean with its 95 % interval, the pick's from its held-out seeds; None if unknown."""
        held = standing is self.pick
        found = interval(self.held, self.overlap, self._luck) if held else interval(standing.values, self.overlap)
        return None if found is None else found.within(*self.limits)

    @property
    def _luck(self) -> float:
        """The part of the pick's lead that it may owe to rows that race and held-out draws share."""
        alike = [standing.mean for standing in self.standings if standing.leading and standing.mean is not None]
        return luck(alike, self.terms.seeds, self.overlap) if len(alike) > 1 else 0.0

    def fell(self, standing: Standing) -> float | None:
        """Return how far the first estimate was too good; below 0 it was too bad."""
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
    """Return the name of the study of a confirmation."""
    return f"{study.name}.{CONFIRM}"


def runs_of(study: Study) -> Study | None:
    """Return the study of a confirmation's runs, if any; not that of a deleted study of the same name."""
    runs = sibling(study, sibling_name(study)) if study.made_here else None
    return runs if runs is not None and noted(runs, CONFIRM).get("of") == study.uid else None


def confirms(runs: Study) -> str:
    """Return the name of the study that these runs confirm; empty if there is none."""
    return runs.name.removesuffix(f".{CONFIRM}") if noted(runs, CONFIRM) else ""


def search_of(runs: Study) -> Study | None:
    """Return the study that these runs confirm; None if there is none, or another one of that name."""
    search = sibling(runs, name) if (name := confirms(runs)) else None
    return search if search is not None and search.made_here and noted(runs, CONFIRM).get("of") == search.uid else None


def read(search: Results, runs: Results) -> Confirmation | None:
    """Return the stored state of a confirmation, without candidates that are ignored by now.

    None if no candidate is left, or if its trials are later than the search's here.

    Args:
        search: the study that is confirmed.
        runs: the study of the confirmation's runs.
    """
    facts = noted(runs.study, CONFIRM)
    terms = Confirm(facts["top"], facts["seeds"], facts["splits"])
    overlap = facts.get("overlap", math.inf if terms.splits else 0.0)
    if max(facts["candidates"]) >= len(search.records):
        return None
    candidates = [record for number in facts["candidates"] if (record := search.records[number]).ignored is None]
    if not candidates:
        return None
    return confirmation(search, candidates, terms, runs.records, overlap)


def confirmation(
    search: Results, candidates: Sequence[Record], terms: Confirm, runs: Sequence[Record], overlap: float
) -> Confirmation:
    """Return the state of a confirmation.

    Args:
        search: the study that is confirmed.
        candidates: at least one of its trials, the best first.
        terms: the terms of the confirmation.
        runs: all trials of the sibling, also those of earlier terms; of two trials of one run the later counts.
        overlap: n_valid / n_train if each seed draws new rows, else 0.
    """
    trials = {run: record for record in runs if (run := Run.of(record.attributes.named)) is not None}
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
        folds=study.space.folds is not None,
        failed=tuple(stage.failed),
        rates=stage.rates,
        trials=trials,
    )


def _limits(study: Study) -> tuple[float, float]:
    """Return the bounds of the objective's values; a user's function may use a metric's name for anything."""
    own = study.space.objective.own_training
    return (-math.inf, math.inf) if own else LIMITS.get(study.goal.metric, (-math.inf, math.inf))
