from __future__ import annotations

import pytest

from tuner.config import EarlyStop
from tuner.goal import Direction
from tuner.training.early_stopping import EpochPatience


def lasted(patience: EpochPatience, values: list[float]) -> int:
    """After how many values patience is over."""
    for i, value in enumerate(values, start=1):
        patience.see(value)
        if patience.over:
            return i
    return 0


@pytest.mark.parametrize(
    ("direction", "values", "expected"),
    [
        (Direction.MAXIMIZE, [0.1, 0.2, 0.2, 0.2], 4),  # as good as the best is not better
        (Direction.MAXIMIZE, [0.1, 0.2, 0.1, 0.3, 0.2, 0.1], 6),
        (Direction.MINIMIZE, [3.0, 2.0, 2.5, 2.5], 4),
        (Direction.MINIMIZE, [3.0, 2.0, 1.0], 0),
    ],
)
def test_patience_is_over_after_so_many_epochs_without_getting_better(
    direction: Direction, values: list[float], expected: int
) -> None:
    assert lasted(EpochPatience(EarlyStop(2, 0.0), direction), values) == expected


def test_getting_better_by_less_than_the_least_that_counts_is_not_getting_better() -> None:
    values = [0.5, 0.505, 0.509, 0.511]

    assert lasted(EpochPatience(EarlyStop(2, 0.01), Direction.MAXIMIZE), values) == 3
    assert lasted(EpochPatience(EarlyStop(2, 0.0), Direction.MAXIMIZE), values) == 0


def test_without_early_stopping_patience_never_ends() -> None:
    assert lasted(EpochPatience(None, Direction.MINIMIZE), [1.0] * 100) == 0
