"""A comparison: several studies of the same objectives on one page.

How good their best was after how many trials and after how much time, what fresh seeds said of it, and in what
their spaces differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuner import webpage
from tuner.confirmation import read
from tuner.errors import UsageError
from tuner.files import refuse_foreign, write_whole
from tuner.findings import between
from tuner.goal import COSTS
from tuner.plots import Plot, Table
from tuner.plots.against import Confirmed, Contestant, busy, by_time, by_trials, confirmed, fronts
from tuner.port import State
from tuner.study import Study

MOST_DIFFERENCES = 60
"""The table of what differs has so many rows at most, and says how many it leaves out."""


def compare(studies: Sequence[Study], out: Path) -> None:
    """Write the page.

    Args:
        studies: at least two, each with any number of trials.
        out: the file to write.

    Raises:
        UsageError: their objectives differ; or the file is there and is no report.
        TunerError: it cannot be written.
    """
    refuse_foreign(out, webpage.MARK)
    write_whole(out, page(studies).encode())


def page(studies: Sequence[Study]) -> str:
    """The whole page as text.

    Raises:
        UsageError: their objectives differ.
    """
    _refuse_other_objectives(studies)
    contestants = [_contestant(study) for study in studies]
    return webpage.render(
        "comparison.html.j2",
        _plots(contestants),
        title=" against ".join(study.name for study in studies),
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


def _contestant(study: Study) -> Contestant:
    ended = [record for record in study.records() if record.finished]
    ordered = sorted(ended, key=lambda record: (record.ended is None, record.ended, record.number))
    return Contestant(study, tuple(ordered), _confirmed(study))


def _confirmed(study: Study) -> Confirmed | None:
    found = read(study)
    if found is None or found.pick is None or (interval := found.interval(found.pick)) is None:
        return None
    return Confirmed(found.pick.trial, interval, found.current)


def _plots(contestants: Sequence[Contestant]) -> Iterator[Plot]:
    goal = contestants[0].study.goal
    for i in [i for i, metric in enumerate(goal.metrics) if metric not in COSTS or goal.single]:
        yield by_trials(contestants, i)
        yield by_time(contestants, i)
    yield confirmed(contestants) if goal.single else fronts(contestants)


def _table(contestants: Sequence[Contestant]) -> Table:
    goal = contestants[0].study.goal
    confirmed = ("Confirmed mean", "95 % interval", "Of which trial")
    found = (f"Best {goal.metric}", "Trial", *confirmed) if goal.single else ("On the front",)
    head = ("Study", *found, "Trials", "Complete", "Pruned", "Other", "Seconds of training", "Wall seconds")
    return Table(head, tuple((each.study.name, *_found(each), *_took(each)) for each in contestants))


def _found(each: Contestant) -> tuple[object, ...]:
    if not each.study.goal.single:
        return (len(each.study.front(each.records)),)
    best, said = each.best, ("", "", "")
    if (found := each.confirmed) is not None:
        interval = found.interval
        said = (f"{interval.mean:.5g}", between(interval), found.told)
    return ("", "", *said) if best is None else (best.value, best.number, *said)


def _took(each: Contestant) -> tuple[object, ...]:
    states = [record.state for record in each.records]
    complete, pruned = (states.count(state.value) for state in (State.COMPLETE, State.PRUNED))
    seconds = sum(record.seconds or 0.0 for record in each.records)
    return len(states), complete, pruned, len(states) - complete - pruned, round(seconds, 1), _wall(each)


def _wall(each: Contestant) -> float:
    return round(max(busy(each.records), default=0.0), 1)


def differences(studies: Sequence[Study]) -> Table | None:
    """What is not the same in the spaces of those studies that tuner made, a row for each place; None if nothing is."""
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
    """How it was searched, which does not make another study."""
    return {path: study.space.setting(path) for path in ("search.sampler", "search.pruner")}


def _text(space: dict[str, Any], path: str) -> str:
    return json.dumps(space[path]) if path in space else ""
