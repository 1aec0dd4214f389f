"""Models that keep something from one step to the next."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import torch
from torch import Tensor, nn

from tests.engines.fused.zoo.base import Base
from tests.engines.fused.zoo.right import Averaging


class RemembersMean(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.mean = torch.zeros(16)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]  # modules return Any


class ReplacesBuffer(Averaging):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * hidden.detach().mean(0)
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]  # modules return Any


class NamesBuffers(Base):
    def scale(self) -> Any:
        if self.training:
            self.register_buffer(f"step{len(self._buffers)}", torch.zeros(1))
        return min(1.0, len(self._buffers) / 50)


class RegistersLater(Base):
    def scale(self) -> Any:
        if not hasattr(self, "gain"):
            self.gain = nn.Parameter(torch.ones(1))
        return self.gain


class HidesLayers(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.hidden = [nn.BatchNorm1d(16)]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden[0](self.body(x)))  # type: ignore[no-any-return]  # modules return Any


class CachesResult(Base):
    def scale(self) -> Any:
        return _remembered(self.training)


@functools.lru_cache(maxsize=2)
def _remembered(training: bool) -> float:
    return 1.0


class CachesMask(Base):
    mask: Tensor | None = None

    def scale(self) -> Any:
        if self.mask is None:
            self.mask = torch.ones(self.head.out_features)
        return self.mask


class InitsByData(Base):
    """As ActNorm and weight norm with data-dependent initialisation do."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.is_initialised = False
        self.shift = nn.Parameter(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if not self.is_initialised:
            self.shift.data.copy_(-hidden.detach().mean(0))
            self.is_initialised = True
        return self.head(hidden + self.shift)  # type: ignore[no-any-return]  # modules return Any


class TakesTurns(Base):
    """Two states in turn: after an even number of steps all is as it was."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.is_odd = False

    def scale(self) -> Any:
        if self.training:
            self.is_odd = not self.is_odd
        return 1.0 if self.is_odd else 0.5


class LastOutputs(Base):
    """Uses what it gave for the batch before."""

    last: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training and self.last is not None:
            hidden = hidden + 0.1 * self.last
        if self.training:
            self.last = hidden.detach().mean(0)
        return self.head(hidden)  # type: ignore[no-any-return]  # modules return Any


@dataclasses.dataclass(frozen=True)
class Statistics:
    mean: Tensor


class HoldsStatistics(Base):
    """A running mean that a frozen dataclass holds, written in place."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.found = Statistics(torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.found.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.head(hidden - self.found.mean)  # type: ignore[no-any-return]  # modules return Any


class Unfreezes(Base):
    """Trains its body from the second epoch on."""

    epoch = 0

    def train(self, mode: bool = True) -> Unfreezes:
        super().train(mode)
        self.epoch += mode
        self.body.requires_grad_(self.epoch > 1)
        return self
