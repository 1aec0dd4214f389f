from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tuner.models import CNN


class InWrittenOrder(CNN):
    """Convolution, batch norm, activation, pooling."""

    def forward(self, images: Tensor) -> Tensor:
        # torch leaves it untyped
        for block in torch.arange(len(self.features)).split(4):  # type: ignore[no-untyped-call]
            layers = [self.features[int(i)] for i in block]
            for layer in [*layers[:2], *sorted(layers[2:], key=lambda layer: isinstance(layer, nn.MaxPool2d))]:
                images = layer(images)
        outputs: Tensor = self.head(images)
        return outputs


@pytest.mark.parametrize("activation", ["ReLU", "GELU"])
def test_pooling_is_done_first_where_that_changes_no_bit(activation: str) -> None:
    images, found = torch.randn(16, 3, 12, 12), []
    for kind in (CNN, InWrittenOrder):
        torch.manual_seed(0)
        model = kind((3, 12, 12), 5, channels=[8, 8], activation=activation)
        outputs = model(images)
        found.append([outputs, *torch.autograd.grad(outputs.square().sum(), list(model.parameters()))])

    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("settings", "last"),
    [
        ({}, [nn.MaxPool2d, nn.ReLU]),
        ({"activation": "GELU"}, [nn.GELU, nn.MaxPool2d]),
        ({"pooling": "avg"}, [nn.ReLU, nn.AvgPool2d]),
        ({"pooling": None}, [nn.ReLU]),
    ],
)
def test_only_a_relu_waits_for_the_largest(settings: dict[str, Any], last: list[type[nn.Module]]) -> None:
    kinds = [type(layer) for layer in CNN((1, 8, 8), 2, channels=[4], **settings).features]

    assert kinds == [nn.Conv2d, nn.BatchNorm2d, *last]
