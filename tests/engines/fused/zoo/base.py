"""What most models of the zoo are made of."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Base(nn.Module):
    """Two layers; `scale` is what a subclass makes of its state."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(in_features, 16), nn.ReLU())
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x)) * self.scale()  # type: ignore[no-any-return]  # modules return Any

    def scale(self) -> Any:
        return 1.0
