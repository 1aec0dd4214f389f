"""What a confirmation says, in words: of each candidate, and of the pick."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.confirmation import Confirmation, Standing
from tuner.errors import listing

TEST = "one-sided paired t-tests over common seeds, 5 % for all of them together"
"""How candidates are told apart; `racing` has the whole of it."""


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
    other = "" if pick.trial.number == found.winner else f"; the best single value was trial {found.winner}'s"
    mean = (
        ""
        if pick.mean is None
        else f", which at {pick.mean:.5g} is the best of {len(found.standings)} and so flattered"
    )
    yield f"the pick is trial {pick.trial.number}, by its mean over common fresh seeds{mean}{other}"
    yield (
        f"on {len(found.held)} further seeds, which had no say in the choice, its {metric} is {interval.mean:.5g}, "
        f"95 % interval {interval.low:.5g} to {interval.high:.5g} (Student's t)"
    )
    yield f"the search had said {pick.trial.value:.5g}, which was {abs(fell):.2g} too {'good' if fell >= 0 else 'bad'}"
    yield _alike(found, pick)
    if found.terms.splits:
        yield "each seed drew training and validation rows anew, of those that are not for the test"
    if not found.current:
        yield "the search has found a better trial since: confirm it again"


def _alike(found: Confirmation, pick: Standing) -> str:
    if len(found.standings) == 1:
        return "there was no other candidate"
    others = [str(each.trial.number) for each in found.standings if each.leading and each is not pick]
    if not others:
        return f"every other candidate is worse ({TEST})"
    return f"trial{'s' * (len(others) > 1)} {listing(others)} cannot be told apart from it ({TEST})"
