from __future__ import annotations

import torch

from tuner.runtime.generators import order


def test_each_epoch_visits_every_row_in_an_order_of_its_own() -> None:
    first, second = order(100, 0, 1), order(100, 0, 2)

    assert torch.equal(first.sort().values, torch.arange(100))
    assert not torch.equal(first, second)
    assert torch.equal(first, order(100, 0, 1))
