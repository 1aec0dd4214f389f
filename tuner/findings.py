"""What a confirmation says, in words: of each candidate, and of the pick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.confirmation import Confirmation
from tuner.errors import listing
from tuner.goal import Goal, Scope
from tuner.racing import FIRST_LOOK, Interval
from tuner.rounding import rounded
from tuner.stage import Standing
from tuner.study import Record

TEST = "paired t-tests over common seeds, 5 % for all pairs of candidates together, if values are about normal"
"""How candidates are told apart; `racing` has the whole of it."""

SKEWED_MISSES = {2: 0.29, 3: 0.5, 4: 0.41, 5: 0.34, 6: 0.27, 7: 0.22, 8: 0.18, 9: 0.14}
"""The share of intervals that miss the true mean where one seed in five fails badly, by the number of seeds.

Few seeds often show no failure, and no interval allows for what they do not show (`benchmarks.resampled.skewed`)."""

MANY_MISS = 0.13
"""The most of that on 10 and more seeds, of which most show a failure."""

SAME_ROWS = (
    "all seeds were scored on the validation rows that the search chose by, so the interval is of seeds and not of "
    "other rows: `--splits` draws rows anew, and only test rows say what new ones will give"
)
ROWS_ANEW = (
    "each seed drew training and validation rows anew, of those that are not for the test; the interval allows for the "
    "rows that draws share (Nadeau and Bengio, 2003) and for the pick's luck with them; it does not allow for the "
    "search having seen all of them"
)


def of_what(goal: Goal, record: Record) -> str:
    """What the value of an unconfirmed trial is, in words: for all but constant curves it flatters its trial."""
    if goal.scope is Scope.LAST:
        return "the last epoch of one run"
    if len(record.epochs) < 2:
        return "the value of one run"
    return f"the best of {len(record.epochs)} epochs of one run"


def verdict(found: Confirmation, standing: Standing) -> str:
    """What became of a candidate, in a few words."""
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
    """What was found, a sentence each, the pick first."""
    if (pick := found.pick) is None:
        yield "it is not complete" if found.wanted else "every candidate has dropped out: there is no pick"
        return
    interval, fell, metric = found.interval(pick), found.fell(pick), found.goal.title
    assert interval is not None
    assert fell is not None
    compared = sum(not each.out for each in found.standings)
    other = "" if pick.trial.number == found.winner else f"; the best single value was trial {found.winner}'s"
    mean = "" if pick.mean is None else f", which at {rounded(pick.mean)} is the best of {compared} and so flattered"
    yield f"the pick is trial {pick.trial.number}, by its mean over common fresh seeds{mean}{other}"
    yield from _epoch(found, pick)
    test = "" if interval.low == interval.high else " (Student's t)"
    yield (
        f"on {len(found.held)} further seeds, which had no say in the choice, its {metric} is {spread(interval)}{test}"
    )
    if interval.low != interval.high:
        yield _if_skewed(len(found.held))
    assert pick.trial.value is not None
    said = f"{rounded(pick.trial.value)}, {of_what(found.goal, pick.trial)}"
    yield f"the search had said {said}{_curse(pick.trial.value, fell, interval)}"
    yield from _others(found, pick)
    yield ROWS_ANEW if found.terms.splits else SAME_ROWS
    if not found.current:
        yield "the search has found a better trial since: confirm it again"


def _if_skewed(seeds: int) -> str:
    """What the interval is worth where values are far from normal."""
    misses = f"{SKEWED_MISSES[seeds]:.0%}" if seeds in SKEWED_MISSES else f"up to {MANY_MISS:.0%}"
    return (
        f"this interval assumes about normal values: where one seed in five fails badly, intervals of {seeds} seeds "
        f"miss the true mean in {misses} of cases"
    )


def _epoch(found: Confirmation, pick: Standing) -> Iterator[str]:
    """Where the pick is scored, and where final training of its export ends."""
    if pick.epoch is None:
        yield "each seed counts with the value that the function gave, wherever that comes from"
    elif found.goal.scope is Scope.LAST:
        yield f"it is scored at its last epoch, {pick.epoch}, after which final training ends too"
    elif pick.values:
        yield (
            f"it is scored at epoch {pick.epoch}, the best of its mean curve over the race's seeds, after which final "
            f"training ends too"
        )
    else:
        yield f"it is scored at epoch {pick.epoch}, the best of its run in the search, after which final training ends"


def between(interval: Interval) -> str:
    """Its ends, for a table; values that are all the same have none."""
    return "all alike" if interval.low == interval.high else f"{rounded(interval.low)} to {rounded(interval.high)}"


def spread(interval: Interval) -> str:
    """A mean and how sure it is; values that are all the same, few as they are, do not say."""
    if interval.low == interval.high:
        return f"{rounded(interval.mean)} each time, which gives no interval"
    return f"{rounded(interval.mean)}, 95 % interval {between(interval)}"


def _curse(value: float | None, fell: float, interval: Interval) -> str:
    """How far the first estimate was off, and whether that says anything."""
    if value is None or not fell:
        return ", which is the same"
    better = "better" if fell > 0 else "worse"
    allowed = ", within the interval" if interval.low <= value <= interval.high else ""
    return f", which was {abs(fell):.2g} {better}{allowed}"


def _others(found: Confirmation, pick: Standing) -> Iterator[str]:
    """What became of the other candidates."""
    others = [each for each in found.standings if each is not pick]
    raced, out = [each for each in others if not each.out], [each for each in others if each.out]
    alike = [each for each in raced if each.leading]
    if not others:
        yield "there was no other candidate"
    elif alike and found.terms.seeds < FIRST_LOOK:
        yield f"{_named(alike)} cannot be told apart from it by two seeds: `--seeds {FIRST_LOOK}` or more can"
    elif alike:
        yield f"{_named(alike)} cannot be told apart from it ({TEST})"
    elif raced:
        worse = f"{_named(raced)} {'are' if len(raced) > 1 else 'is'}" if out else "every other candidate is"
        yield f"{worse} worse ({TEST})"
    if out:
        yield f"{_named(out)} dropped out before the end, which is no comparison"


def _named(standings: Sequence[Standing]) -> str:
    numbers = [str(each.trial.number) for each in standings]
    return f"trial{'s' * (len(numbers) > 1)} {listing(numbers)}"
