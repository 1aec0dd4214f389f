"""The summary of a study: its facts in a line, its course, its best trials, and its important parameters."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.errors import listing
from tuner.goal import Direction, Goal
from tuner.results.equal_trials import are_alike, equals_of
from tuner.results.failures import Failures
from tuner.results.wording import of_what, spread
from tuner.runtime.rounding import amount, rounded
from tuner.study import Record, versions
from tuner.study.fork import Fork
from tuner.study.provenance import MIDDLE
from tuner.study.stop_rules import stop_reason

if TYPE_CHECKING:
    from tuner.results.importances import Importances
    from tuner.results.results import Results

TOP = 5
"""Default number of best trials to show."""


@dataclass(frozen=True, slots=True)
class Course:
    """The course of an objective: the values of the sound trials by number, and the best so far at each."""

    metric: str
    values: tuple[float, ...]
    best: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of a study that a terminal and a notebook show.

    `failures` are of all trials. `courses` and `importances` have one per objective. `top` are the best trials, or with
    several objectives those of the front, which has `front` trials. Those that ended early come last. `parameters` are
    those of `top`, the most important first. `notes` come from the function of that name.
    """

    headline: str
    failures: Failures
    notes: tuple[str, ...]
    goal: Goal
    courses: tuple[Course, ...]
    top: tuple[Record, ...]
    front: int
    parameters: tuple[str, ...]
    importances: tuple[Importances, ...]


def summary(results: Results, top: int = TOP) -> Summary:
    """Return the summary of a study.

    Args:
        results: with any number of trials, none included.
        top: how many trials to show at most.
    """
    goal, front = results.goal, results.front
    ended = results.study.ranked(record for record in results.counted if record.finished)
    shown = tuple((front if front and not goal.single else ended)[:top])
    return Summary(
        headline=headline(results),
        failures=results.failures,
        notes=tuple(notes(results)),
        goal=goal,
        courses=tuple(_course(goal, results.sound, i) for i in range(len(goal.metrics))),
        top=shown,
        front=len(front),
        parameters=_parameters(shown, results.importances),
        importances=results.importances,
    )


def notes(results: Results) -> Iterator[str]:
    """Yield notes: the study's origin as a fork, why it stopped, and its confirmation."""
    yield from circumstances(results)
    found, goal = results.confirmation, results.goal
    if found is not None and found.pick is not None and (interval := found.interval(found.pick)) is not None:
        stale = "" if found.current else "; the search has found a better one since"
        told = f"{goal.title} {spread(interval)}"
        yield f"confirmed on fresh seeds: trial {found.pick.trial.number}, {told}{stale}"
    elif results.study.made_here and not results.confirms and (best := results.best) is not None:
        yield f"not confirmed: the best value, of trial {best.number}, is {of_what(goal, best)}"
        yield from (sentence.removesuffix(".") for sentence in equals_of(results))
    yield from filter(None, (against_the_baseline(results), against_the_trivial(results)))


def against_the_trivial(results: Results) -> str:
    """Return the trivial predictor's score, and whether the best trial is better; empty if it is unknown."""
    trivial, best, goal = results.trivial, results.best, results.goal
    if trivial is None or best is None or best.value is None:
        return ""
    told = f"the trivial predictor ({trivial.says}) has {goal.title} {rounded(trivial.value)}"
    beaten = goal.direction.better(best.value, trivial.value)
    return told if beaten else f"{told}, and no trial is better"


def against_the_baseline(results: Results) -> str:
    """Return what the search gained over the middle of its space; empty if that is unknown."""
    best, goal = results.best, results.goal
    first = next((record for record in results.sound if record.attributes.origin == MIDDLE), None)
    if first is None or first.value is None or best is None or best.value is None:
        return ""
    told = f"the middle of the space (trial {first.number}) has {goal.title} {rounded(first.value)}"
    if best.value == first.value:
        return f"{told}, and no trial is better"
    sure = "which these rows cannot tell from none" if are_alike(results, first, best) else "by one run each"
    return f"{told}: the best gains {rounded(abs(best.value - first.value))}, {sure}"


def circumstances(results: Results) -> Iterator[str]:
    """Yield notes: the study's origin as a fork, why it stopped, and the study that it confirms."""
    study = results.study
    if (fork := Fork.read(study)) is not None:
        yield from fork.notes
    yield from versions.notes(study)
    if reason := stop_reason(study):
        yield f"stopped by search.stop: {reason}"
    if ignored := [record.number for record in results.records if record.ignored is not None]:
        verb = "trial is" if len(ignored) == 1 else "trials are"
        yield f"{len(ignored)} {verb} ignored and left out of all below: {listing(map(str, ignored))}"
    if search := results.confirms:
        yield f"the runs of a confirmation: their best is no result; `tuner show {search}` has what they say"


def headline(results: Results) -> str:
    """Return the name of a study, its goal, and the number of its trials, in a line."""
    goal, records = results.goal, results.records
    states = collections.Counter(record.state for record in records)
    counts = ", ".join(f"{count} {state}" for state, count in states.items())
    of_which = f": {counts}" if counts else ""
    bounds = f"; constraints: {', '.join(map(str, goal.bounds))}" if goal.bounds else ""
    trials = amount(len(records), "trial")
    return f"study {results.study.name}: {goal}{bounds}; {trials}{of_which}"


def _course(goal: Goal, chosen: Sequence[Record], i: int) -> Course:
    values = tuple(record.values[i] for record in chosen)
    better = max if goal.directions[i] is Direction.MAXIMIZE else min
    return Course(goal.titles[i], values, tuple(itertools.accumulate(values, better)))


def _parameters(shown: Sequence[Record], importances: Sequence[Importances]) -> tuple[str, ...]:
    there = dict.fromkeys(name for record in shown for name in record.params)
    ranked = [importance.name for found in importances for importance in found.ranked]
    return tuple(dict.fromkeys([*(name for name in ranked if name in there), *there]))
