"""Models that ask the world: generators of chance, clocks, files."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tests.engines.fused.zoo.base import Base

RNG = np.random.default_rng(0)


class DrawsFromGlobal(Base):
    def scale(self) -> Any:
        return 1 + RNG.random()


class DrawsFromPython(Base):
    def scale(self) -> Any:
        return 1.0 if not self.training or random.random() < 0.5 else 0.5


class DrawsFromNumpy(Base):
    def scale(self) -> Any:
        return 1 + float(np.random.rand())


class DrawsFromTorch(Base):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        noise = torch.randn_like(hidden) if self.training else torch.zeros_like(hidden)
        return self.head(hidden + 0.1 * noise)  # type: ignore[no-any-return]  # modules return Any


class DrawsFromOwn(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.chance = torch.Generator().manual_seed(0)

    def scale(self) -> Any:
        return 1 + float(torch.rand(1, generator=self.chance))


class DrawsFromOwnPython(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.rng = random.Random(0)

    def scale(self) -> Any:
        return 1 + self.rng.random()


class DrawsFromOwnNumpy(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.rng = np.random.default_rng(0)

    def scale(self) -> Any:
        return 1 + self.rng.random()


class DrawsFromSystem(Base):
    def scale(self) -> Any:
        return 1 + 0 * random.SystemRandom().random()


class AsksClock(Base):
    started = time.monotonic()

    def scale(self) -> Any:
        return 1.0 if time.monotonic() > self.started else 0.5


class ReadsFile(Base):
    def scale(self) -> Any:
        return 1.0 if Path(__file__).read_text() else 0.5


class AsksClockInThread(Base):
    def scale(self) -> Any:
        found: list[float] = []
        asking = threading.Thread(target=lambda: found.append(time.time()))
        asking.start()
        asking.join()
        return 1.0 if found[0] > 0 else 0.5


class ShufflesFeatures(Base):
    def forward(self, x: Tensor) -> Tensor:
        order = list(range(64))
        if self.training:
            random.shuffle(order)
        return self.head(self.body(x.flatten(1)[:, order]))  # type: ignore[no-any-return]  # modules return Any


class Reseeds(Base):
    """The same dropout at each step."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        torch.default_generator.manual_seed(0)
        return self.head(self.drop(hidden))  # type: ignore[no-any-return]  # modules return Any

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.drop = nn.Dropout(0.5)
