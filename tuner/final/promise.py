"""Sentences that compare the scores of a final model with the promised ones and with the trivial predictor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tuner.goal import Direction, Goal
from tuner.results.mean_interval import Interval
from tuner.runtime.rounding import rounded
from tuner.settings import Provenance
from tuner.training.baseline import Baseline


def against_promise(provenance: Provenance, goal: Goal, intervals: Mapping[str, Interval], split: str) -> Iterator[str]:
    """Yield a sentence that compares the objective with the confirmed interval, or else with the search's value.

    Args:
        provenance: the provenance of the config.
        goal: the goal of the config.
        intervals: the intervals of the scores.
        split: the split of the scores, such as `test`.
    """
    found = intervals.get(goal.metric)
    if found is None or provenance.metric != goal.metric:
        return
    told = f"{split} {goal.title} {rounded(found.mean)} (95 % interval {rounded(found.low)} to {rounded(found.high)})"
    confirmed = provenance.confirmed
    if confirmed is not None:
        promised = Interval(confirmed.mean, confirmed.low, confirmed.high)
        ends = f"{rounded(promised.low)} to {rounded(promised.high)}"
        yield f"{told}: {_stands(found, promised, goal.direction)} the confirmed {rounded(promised.mean)} ({ends})"
    elif (value := provenance.value) is not None:
        of = "" if provenance.value_is is None else f", {provenance.value_is}"
        stands = _stands(found, Interval(value, value, value), goal.direction)
        yield f"{told}: {stands} the search's {rounded(value)}, which is not confirmed{of}"


def against_trivial(baseline: Baseline, goal: Goal, scores: Mapping[str, float], split: str) -> Iterator[str]:
    """Yield a sentence that compares the objective on a split with the trivial predictor's."""
    metric = goal.metric
    if metric not in scores or metric not in baseline.values:
        return
    score, trivial = scores[metric], baseline.values[metric]
    says = f"the trivial predictor ({baseline.says[metric]}), whose {split} {goal.title} is {rounded(trivial)}"
    if goal.direction.better(score, trivial):
        yield f"better than {says}"
    else:
        how = "no better than" if score == trivial else "WORSE than"
        yield f"{rounded(score)} is {how} {says}: the model has learned nothing that this metric rewards"


def _stands(found: Interval, promised: Interval, direction: Direction) -> str:
    if found.low <= promised.high and promised.low <= found.high:
        return "agrees with"
    return "better than" if direction.better(found.mean, promised.mean) else "worse than"
