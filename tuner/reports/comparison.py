"""A comparison: several studies of the same objectives on one page.

It shows the best value of each study by trials and by time, its confirmed trial, and the spaces' differences.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuner.errors import UsageError, listing
from tuner.goal import COSTS, Direction
from tuner.plots import Plot, Table
from tuner.plots.base import short
from tuner.plots.study_comparison import Confirmed, Contestant, busy, by_time, by_trials, confirmed, fronts
from tuner.protocol import State
from tuner.reports import html
from tuner.results.confirmation import Confirmation
from tuner.results.mean_interval import Interval
from tuner.results.results import Results
from tuner.results.wording import between
from tuner.runtime.files import refuse_foreign, write_whole
from tuner.study import Study

MOST_DIFFERENCES = 60
"""Largest number of rows in the table of differences. A last row counts those left out."""


def compare(several: Sequence[Results], out: Path) -> None:
    """Write a page that compares studies.

    Args:
        several: of at least two studies, each with any number of trials.
        out: the file to write.

    Raises:
        UsageError: the objectives differ; or `out` exists and is no report.
        TunerError: `out` cannot be written.
    """
    refuse_foreign(out, html.MARK)
    write_whole(out, page(several).encode())


def page(several: Sequence[Results]) -> str:
    """Return the whole page as text.

    Raises:
        UsageError: the objectives differ.
    """
    studies = [results.study for results in several]
    _refuse_other_objectives(studies)
    contestants = list(map(_contestant, several))
    return html.render(
        "comparison.html.j2",
        _plots(contestants),
        title=" against ".join(study.name for study in studies),
        verdict=list(verdict(contestants)),
        goal=studies[0].goal,
        table=_table(contestants),
        differences=differences(studies),
        strangers=[study.name for study in studies if not study.made_here],
    )


def _refuse_other_objectives(studies: Sequence[Study]) -> None:
    first = studies[0]
    for other in studies[1:]:
        if (other.goal.metrics, other.goal.directions) != (first.goal.metrics, first.goal.directions):
            raise UsageError(
                f"studies {first.name} and {other.name} cannot be compared: one has {first.goal}, the other "
                f"{other.goal}; name studies of the same objectives"
            )


def _contestant(results: Results) -> Contestant:
    ended = [record for record in results.records if record.finished]
    ordered = sorted(ended, key=lambda record: (record.ended is None, record.ended, record.number))
    return Contestant(results.study, tuple(ordered), _confirmed(results.confirmation))


def _confirmed(found: Confirmation | None) -> Confirmed | None:
    if found is None or found.pick is None or (interval := found.interval(found.pick)) is None:
        return None
    return Confirmed(found.pick.trial, interval, found.current)


def verdict(contestants: Sequence[Contestant]) -> Iterator[str]:
    """Yield sentences on which study is better and how sure that is."""
    if not contestants[0].study.goal.single:
        yield "No verdict: studies with several objectives have fronts, which are drawn below"
        return
    ranked = _ranked(contestants)
    if not ranked:
        yield "No verdict: no study has a complete trial within the bounds"
        return
    if unknown := [each.study.typed for each in ranked if each.confirmed is None or not each.confirmed.current]:
        yield f"No verdict yet: {_leader(ranked)}, but single best values are optimistic"
        yield f"Run {listing(f'`tuner confirm {typed}`' for typed in unknown)} first"
    else:
        yield from (_compared(ranked[0], each) for each in ranked[1:])
    if any(_rows_differ(each.study, ranked[0].study) for each in ranked[1:]):
        yield "The studies scored different rows (data, splits or seed), so their values compare only roughly"


def _ranked(contestants: Sequence[Contestant]) -> list[Contestant]:
    """Return the contestants with a value, the best first."""
    valued = [(value, each) for each in contestants if (value := _value(each)) is not None]
    upwards = contestants[0].study.goal.direction is Direction.MAXIMIZE
    return [each for _, each in sorted(valued, key=lambda pair: pair[0], reverse=upwards)]


def _value(each: Contestant) -> float | None:
    """Return the confirmed mean, else the best single value, else None."""
    if each.confirmed is not None and each.confirmed.current:
        return each.confirmed.interval.mean
    return None if each.best is None else each.best.value


def _leader(ranked: Sequence[Contestant]) -> str:
    values = [f"{each.study.name} {short(_value(each))}" for each in ranked]
    if len(values) == 1:
        return f"only {values[0]} has a value"
    if len({_value(each) for each in ranked}) == 1:
        return f"{listing(each.study.name for each in ranked)} have the same best value, {short(_value(ranked[0]))}"
    return f"{values[0]} leads {listing(values[1:])}"


def _compared(best: Contestant, other: Contestant) -> str:
    assert best.confirmed is not None
    assert other.confirmed is not None
    one, two = best.confirmed.interval, other.confirmed.interval
    gap = difference(one, two)
    metric, by = best.study.goal.title, f"95 % interval {gap.low:.3g} to {gap.high:.3g}"
    if gap.low <= 0 <= gap.high:
        return (
            f"{best.study.name} and {other.study.name} cannot be told apart: {metric} differs by {gap.mean:.3g}, {by}"
        )
    return f"{best.study.name} is better than {other.study.name}: {metric} differs by {gap.mean:.3g}, {by}"


def difference(one: Interval, two: Interval) -> Interval:
    """Return the difference of two independent means, with its 95 % interval.

    The intervals need not be symmetric. They are combined by MOVER (Zou and Donner, Statistics in Medicine 27, 2008).
    """
    mean = one.mean - two.mean
    below = math.hypot(one.mean - one.low, two.high - two.mean)
    above = math.hypot(one.high - one.mean, two.mean - two.low)
    return Interval(mean, mean - below, mean + above)


def _rows_differ(one: Study, two: Study) -> bool:
    """Return whether two studies of tuner score on different validation rows."""
    return one.made_here and two.made_here and _rows(one) != _rows(two)


def _rows(study: Study) -> dict[str, Any]:
    """Return the settings that decide the validation rows."""
    tuned = tuple(f"data.{key}" for key in ("batch_size", "transforms", "tokenizer"))
    identity = study.space.identity()
    chosen = {
        path: value for path, value in identity.items() if path.startswith("data.") and not path.startswith(tuned)
    }
    return {**chosen, "study.seed": identity["study.seed"]}


def _plots(contestants: Sequence[Contestant]) -> Iterator[Plot]:
    goal = contestants[0].study.goal
    for i in [i for i, metric in enumerate(goal.metrics) if metric not in COSTS or goal.single]:
        yield by_trials(contestants, i)
        yield by_time(contestants, i)
    yield confirmed(contestants) if goal.single else fronts(contestants)


def _table(contestants: Sequence[Contestant]) -> Table:
    goal = contestants[0].study.goal
    confirmed = ("Confirmed mean", "95 % interval", "Of which trial")
    found = (f"Best {goal.title}", "Trial", *confirmed) if goal.single else ("On the front",)
    head = ("Study", *found, "Trials", "Complete", "Pruned", "Other", "Seconds of training", "Wall seconds")
    rows = [(each.study.name, *_found(each), *_took(each)) for each in contestants]
    kept = [i for i in range(len(head)) if any(row[i] != "" for row in rows)]
    return Table(tuple(head[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))


def _found(each: Contestant) -> tuple[object, ...]:
    if not each.study.goal.single:
        return (len(each.study.front(each.records)),)
    best, said = each.best, ("", "", "")
    if (found := each.confirmed) is not None:
        interval = found.interval
        said = (short(interval.mean), between(interval), found.told)
    return ("", "", *said) if best is None else (best.value, best.number, *said)


def _took(each: Contestant) -> tuple[object, ...]:
    states = [record.state for record in each.records]
    complete, pruned = (states.count(state) for state in (State.COMPLETE, State.PRUNED))
    seconds = sum(record.seconds or 0.0 for record in each.records)
    return len(states), complete, pruned, len(states) - complete - pruned, round(seconds, 1), _wall(each)


def _wall(each: Contestant) -> float:
    return round(max(busy(each.records), default=0.0), 1)


def differences(studies: Sequence[Study]) -> Table | None:
    """Return a row for each difference between the spaces of the studies of tuner; None if there is none."""
    known = [study for study in studies if study.made_here]
    spaces = [{**study.space.identity(), **_searched(study)} for study in known]
    paths = dict.fromkeys(path for space in spaces for path in space)
    rows = [(path, *(_text(space, path) for space in spaces)) for path in paths]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    if not differing:
        return None
    if (left := len(differing) - MOST_DIFFERENCES) > 0:
        differing[MOST_DIFFERENCES:] = [(f"and {left} more", *("" for _ in known))]
    return Table(("Place in the file", *(study.name for study in known)), tuple(differing))


def _searched(study: Study) -> dict[str, Any]:
    """Return the sampler and the pruner, which do not count as a study's identity."""
    return {f"search.{key}": study.space.fixed["search"][key] for key in ("sampler", "pruner")}


def _text(space: dict[str, Any], path: str) -> str:
    return json.dumps(space[path]) if path in space else ""
