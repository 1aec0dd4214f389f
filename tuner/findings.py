"""What a confirmation says, in words: of each candidate, and of the pick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tuner.confirmation import Confirmation, Standing
from tuner.errors import listing
from tuner.racing import Interval

TEST = "one-sided paired t-tests over common seeds, 5 % for all of them together"
"""How candidates are told apart; `racing` has the whole of it."""

SAME_ROWS = (
    "all seeds were scored on the validation rows that the search chose by, so the interval is of seeds and not of "
    "other rows: `--splits` draws rows anew, and only test rows say what new ones will give"
)
ROWS_ANEW = (
    "each seed drew training and validation rows anew, of those that are not for the test; draws share rows with each "
    "other and with the search, so what new rows will give may lie further off than the interval"
)


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
    interval, fell, metric = found.interval(pick), found.fell(pick), found.goal.metric
    assert interval is not None
    assert fell is not None
    compared = sum(not each.out for each in found.standings)
    other = "" if pick.trial.number == found.winner else f"; the best single value was trial {found.winner}'s"
    mean = "" if pick.mean is None else f", which at {pick.mean:.5g} is the best of {compared} and so flattered"
    yield f"the pick is trial {pick.trial.number}, by its mean over common fresh seeds{mean}{other}"
    test = "" if interval.low == interval.high else " (Student's t)"
    yield (
        f"on {len(found.held)} further seeds, which had no say in the choice, its {metric} is {spread(interval)}{test}"
    )
    yield f"the search had said {pick.trial.value:.5g}{_curse(pick.trial.value, fell, interval)}"
    yield from _others(found, pick)
    yield ROWS_ANEW if found.terms.splits else SAME_ROWS
    if not found.current:
        yield "the search has found a better trial since: confirm it again"


def between(interval: Interval) -> str:
    """Its ends, for a table; values that are all the same have none."""
    return "all alike" if interval.low == interval.high else f"{interval.low:.5g} to {interval.high:.5g}"


def spread(interval: Interval) -> str:
    """A mean and how sure it is; values that are all the same, few as they are, do not say."""
    if interval.low == interval.high:
        return f"{interval.mean:.5g} each time, which gives no interval"
    return f"{interval.mean:.5g}, 95 % interval {interval.low:.5g} to {interval.high:.5g}"


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
