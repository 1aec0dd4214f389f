"""The sentences of a confirmation, about each candidate and about the pick."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from tuner.errors import listing
from tuner.goal import Goal, Scope
from tuner.results.confirmation import Confirmation
from tuner.results.mean_interval import Interval
from tuner.results.racing import FIRST_LOOK
from tuner.results.stage import Standing
from tuner.runtime.rounding import rounded
from tuner.study import Record

TEST = "The test: paired t-tests over shared seeds, 5 % for all pairs together, values about normal"
"""How candidates are compared; `racing` has the details."""

SKEWED_MISSES = {2: 0.29, 3: 0.5, 4: 0.41, 5: 0.34, 6: 0.27, 7: 0.22, 8: 0.18, 9: 0.14}
"""The share of intervals that miss the true mean if one seed in five fails badly, by seeds.

Few seeds often show no failure, and no interval allows for what they do not show (`benchmarks.resampled.skewed`).
"""

MANY_MISS = 0.13
"""The most of that on 10 and more seeds, of which most show a failure."""

MEAN = "the mean over folds and seeds"
SAME_ROWS = (
    "All seeds scored the validation rows that the search used",
    "So the interval covers seeds, not other rows",
    "Use `--splits` to draw new rows; only test rows show the score on new data",
)
ROWS_OF_FOLDS = (
    "Each run scored every row that is not for the test, on the fold where it validates",
    "The search used the same folds, so the interval covers seeds, not other rows",
    "Only test rows show the score on new data",
)
ROWS_ANEW = (
    "Each seed drew new training and validation rows, never test rows",
    "The interval allows for rows that draws share (Nadeau and Bengio, 2003) and for the pick's luck with them",
    "It does not allow for the search, which used all of these rows",
)


def of_what(goal: Goal, record: Record) -> str:
    """Return what the value of an unconfirmed trial is, in words: for all but constant curves it flatters its trial."""
    alone = record.deviation(goal.metric) is None
    whose = "one run" if alone else MEAN
    if goal.scope is Scope.LAST:
        return f"the last epoch of {whose}"
    if len(record.epochs) < 2:
        return f"the value of {whose}" if alone else whose
    return f"the best of {len(record.epochs)} epochs of {whose}"


def verdict(found: Confirmation, standing: Standing) -> str:
    """Return what became of a candidate, in a few words."""
    if standing.out:
        return f"out: {standing.out}"
    if standing.given_up == found.terms.seeds:
        return "worse than the pick"
    if standing.given_up is not None:
        return f"given up after {standing.given_up} seeds"
    if found.pick is None:
        return "in the race"
    return "the pick" if standing is found.pick else "not told apart"


def sentences(found: Confirmation) -> Iterator[str]:
    """Return the sentences of all paragraphs, in order."""
    return itertools.chain.from_iterable(paragraphs(found))


def paragraphs(found: Confirmation) -> list[list[str]]:
    """Return the findings as sentences, each with a capital letter and without a full stop.

    The answer comes first: the pick, and the value to expect of it. Then why, what became of the others, how sure.
    """
    if (pick := found.pick) is None:
        return [
            ["The confirmation is not complete" if found.wanted else "Every candidate dropped out: there is no pick"]
        ]
    stale = [] if found.current else ["The search has found a better trial since: repeat the confirmation"]
    rows = ROWS_ANEW if found.terms.splits else ROWS_OF_FOLDS if found.folds else SAME_ROWS
    return [
        [*stale, *_expected(found, pick)],
        [*_choice(found, pick), *_epoch(found, pick)],
        [*_others(found, pick)],
        [*_if_skewed(found, pick), *rows],
    ]


def _choice(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Yield why it is the pick, and which trial the search preferred."""
    compared = sum(not each.out for each in found.standings)
    if pick.mean is None or compared == 1:
        yield f"Trial {pick.trial.number} is the pick; no other candidate finished the race"
    else:
        raced = f"{rounded(pick.mean)} over {len(pick.values)} shared seeds"
        yield f"Trial {pick.trial.number} has the best mean of {compared} candidates ({raced})"
        yield "Because it was chosen for that mean, the mean is optimistic"
    if pick.trial.number != found.winner:
        yield f"The search's best single value was trial {found.winner}'s"


def _if_skewed(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Yield what the interval assumes, and its coverage if values are far from normal; nothing without one."""
    interval, seeds = found.interval(pick), len(found.held)
    if interval is None or interval.low == interval.high:
        return
    known, upper = SKEWED_MISSES.get(seeds), f"up to {100 * MANY_MISS:.0f} %"
    misses = upper if known is None else f"{100 * known:.0f} %"
    yield "The interval assumes about normal values"
    yield f"If one seed in five fails badly, intervals of {seeds} seeds miss the true mean in {misses} of cases"


def _epoch(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Yield where the pick is scored, and where final training of its export ends."""
    if pick.epoch is None:
        yield "Each seed counts with the value that the function returned; its epoch is unknown"
        return
    if found.goal.scope is Scope.LAST:
        yield f"Each run is scored at its last epoch, {pick.epoch}"
    elif pick.values:
        yield f"Each run is scored at epoch {pick.epoch}, the best of the mean curve over the shared seeds"
    else:
        yield f"Each run is scored at epoch {pick.epoch}, the best of the trial's run in the search"
    yield f"Final training ends after epoch {pick.epoch} too"


def _expected(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Yield what to expect of the pick, with its interval, and how far the search's value was off."""
    interval, fell = found.interval(pick), found.fell(pick)
    assert interval is not None
    assert fell is not None
    assert pick.trial.value is not None
    seeds = f"{len(found.held)} held-out seeds"
    alike = interval.low == interval.high
    test = "" if alike else ", Student's t"
    yield f"Trial {pick.trial.number}: expect {found.goal.title} {spread(interval)} ({seeds}{test})"
    yield "The held-out seeds had no part in the choice"
    said = f"The search's {rounded(pick.trial.value)}, {of_what(found.goal, pick.trial)},"
    yield f"{said} {_curse(pick.trial.value, fell, interval)}"


def between(interval: Interval) -> str:
    """Return the ends of an interval for a table; equal values have none."""
    return "all alike" if interval.low == interval.high else f"{rounded(interval.low)} to {rounded(interval.high)}"


def spread(interval: Interval) -> str:
    """Return a mean with its 95 % interval; equal values have none, since they are few."""
    if interval.low == interval.high:
        return f"{rounded(interval.mean)} each time, which gives no interval"
    return f"{rounded(interval.mean)}, 95 % interval {between(interval)}"


def _curse(value: float, fell: float, interval: Interval) -> str:
    """Return how far the first estimate was off, and whether that exceeds chance."""
    if not fell:
        return "equals that"
    off = "optimistic" if fell > 0 else "pessimistic"
    allowed = ", within the interval" if interval.low <= value <= interval.high else ""
    return f"was {off} by {abs(fell):.2g}{allowed}"


def _others(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Yield the results of the other candidates."""
    others = [each for each in found.standings if each is not pick]
    raced, out = [each for each in others if not each.out], [each for each in others if each.out]
    alike = [each for each in raced if each.leading]
    if not others:
        yield "There was no other candidate"
    elif alike and found.terms.seeds < FIRST_LOOK:
        yield f"{_named(alike)} may be as good: two seeds find no difference; `--seeds {FIRST_LOOK}` or more can"
    elif alike:
        yield f"{_named(alike)} may be as good: the test finds no difference"
    elif raced:
        worse = f"{_named(raced)} {'are' if len(raced) > 1 else 'is'}" if out else "Every other candidate is"
        yield f"{worse} worse"
    if raced and found.terms.seeds >= FIRST_LOOK:
        yield TEST
    if out:
        yield f"{_named(out)} dropped out before the end, so no comparison is possible"


def _named(standings: Sequence[Standing]) -> str:
    numbers = [str(each.trial.number) for each in standings]
    return f"Trial{'s' * (len(numbers) > 1)} {listing(numbers)}"
