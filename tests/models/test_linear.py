from __future__ import annotations

import torch
from torch import nn

from tuner import models
from tuner.config import Component


def built(shape: tuple[int, ...], outputs: int, **arguments: object) -> nn.Module:
    return models.build(Component("Linear", arguments), shape, outputs, base=".")


def test_a_linear_model_is_a_weighted_sum_and_a_constant() -> None:
    model = built((2,), 1)
    weight, bias = model.parameters()
    with torch.no_grad():
        weight.copy_(torch.tensor([[2.0, -3.0]]))
        bias.fill_(0.5)

    outputs = model(torch.tensor([[1.0, 1.0], [4.0, 2.0]]))

    assert outputs.tolist() == [[-0.5], [2.5]]


def test_images_are_flattened() -> None:
    model = built((3, 4, 5), 10)

    assert model(torch.randn(2, 3, 4, 5)).shape == (2, 10)
    assert models.count_parameters(model) == 3 * 4 * 5 * 10 + 10


def test_without_a_bias_nothing_gives_nothing() -> None:
    model = built((4,), 2, bias=False)

    assert model(torch.zeros(1, 4)).tolist() == [[0.0, 0.0]]
