"""The networks of contestants that train by hand: those that `tuner` builds from the same config."""

from __future__ import annotations

import math

import torchvision
from torch import nn

from benchmarks.jobs import Config


def build(kind: str, config: Config, shape: tuple[int, ...], classes: int) -> nn.Module:
    """Build an `MLP` or a `CNN` for inputs of a shape, or a network of torchvision."""
    own = {"MLP": _mlp, "CNN": _cnn}
    if kind in own:
        return own[kind](config, shape, classes)
    network: nn.Module = torchvision.models.get_model(kind, num_classes=classes)
    return network


def _mlp(config: Config, shape: tuple[int, ...], classes: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    before = math.prod(shape)
    for width, dropout in zip(config.widths, config.dropouts, strict=True):
        layers += [nn.Linear(before, width), nn.ReLU(), nn.Dropout(dropout)]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, classes))


def _cnn(config: Config, shape: tuple[int, ...], classes: int) -> nn.Module:
    before, height, width = shape
    layers: list[nn.Module] = []
    for channels in config.widths:
        layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        before, height, width = channels, height // 2, width // 2
    (dropout,) = config.dropouts
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), nn.Linear(before * height * width, classes))
