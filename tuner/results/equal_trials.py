"""Equal trials: how many cannot be told apart from the best one by the validation rows.

McNemar's exact test (1947) compares two models by the rows on which only one of them is right. If they differ by D
right answers, its p is at least 2 / 2^D. So five rows never suffice for 5 %, whichever they are. Trials that differ by
more may be alike too, which this does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tuner.runtime.rounding import amount
from tuner.study import Record

if TYPE_CHECKING:
    from tuner.results.results import Results

MOST_ROWS = 5
"""Right answers by which models may differ without a difference at 5 %. 2 / 2^5 is above it."""

ACCURACY = "accuracy"
"""The metric that is a share of right answers."""


def equals_of(results: Results) -> Iterator[str]:
    """Yield sentences on the trials that the validation rows cannot tell from the best one.

    Args:
        results: of one objective.
    """
    best = results.best
    if best is None or best.value is None:
        return
    others = [record for record in results.sound if record is not best]
    same = [record for record in others if record.value == best.value]
    if alike := [record for record in others if are_alike(results, record, best)]:
        they = "it gets" if len(alike) == 1 else "they get"
        less = f"of {results.validation_rows} validation rows {they} at most {MOST_ROWS} fewer right"
        yield f"{amount(len(alike), 'other trial')} cannot be told apart from it: {less}."
    if same:
        has = "has" if len(same) == 1 else "have"
        decides = "the earliest is named" if math.isinf(best.loss) else "the lowest validation loss decides"
        yield f"{amount(len(same), 'other trial')} {has} the same value: {decides}."


def are_alike(results: Results, one: Record, other: Record) -> bool:
    """Return whether the validation rows surely cannot tell two trials apart; False if that is unknown."""
    rows = results.validation_rows
    if rows is None or results.goal.metric != ACCURACY or one.value is None or other.value is None:
        return False
    if one.deviation(ACCURACY) is not None:  # the mean over folds and seeds
        return False
    return round(abs(one.value - other.value) * rows) <= MOST_ROWS
