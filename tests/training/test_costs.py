from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from tuner.training import costs

ROW = torch.zeros(1, 4)


class Slow(nn.Linear):
    """Its first passes are the slowest, and it takes no single row in training."""

    def __init__(self) -> None:
        super().__init__(4, 2)
        self.passes = 0

    def forward(self, inputs: Tensor) -> Tensor:
        assert not self.training
        self.passes += 1
        time.sleep(0.05 if self.passes <= costs.WARM_UP else 0.002)
        return super().forward(inputs)


def test_parameters_are_those_that_are_trained() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].requires_grad_(False)

    assert costs.measure(["parameters", "accuracy"], model, ROW) == {"parameters": 8.0}


def test_latency_is_that_of_a_row_in_evaluation_without_the_first_passes() -> None:
    model = Slow().train()

    told = costs.measure(["latency"], model, ROW)

    assert 2 <= told["latency"] < 20
    assert model.training


def test_what_is_not_asked_for_is_not_measured() -> None:
    model = Slow()

    assert costs.measure(["accuracy"], model, ROW) == {}
    assert model.passes == 0
