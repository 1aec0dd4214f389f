from __future__ import annotations

import pytest
import torch

from tuner.engines.fused.layout import lanes_first, rows_by_lane, side_by_side

LANES = torch.arange(3 * 5 * 2 * 4 * 4).view(3, 5, 2, 4, 4)


def test_channels_of_a_lane_lie_together() -> None:
    beside = side_by_side(LANES)

    assert beside.shape == (5, 6, 4, 4)
    assert torch.equal(beside[:, 2:4], LANES[1])
    assert torch.equal(lanes_first(beside, 3), LANES)


def test_what_is_flattened_side_by_side_are_the_numbers_of_each_lane() -> None:
    numbers = rows_by_lane(side_by_side(LANES).flatten(1), 3)

    assert torch.equal(numbers, LANES.flatten(2))
    assert rows_by_lane(numbers, 3) is numbers
    with pytest.raises(ValueError, match="a row has 3 dimensions where it should have one"):
        rows_by_lane(side_by_side(LANES), 3)
