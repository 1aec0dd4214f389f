"""Models that are alike by name and size, and not in what they compute, or whose rows or lanes would mix."""

from __future__ import annotations

import copy
import types
from typing import Any

from torch import Tensor, nn

from tests.engines.fused.zoo.base import Base


class ScaledByClass(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)

        class Scale(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x * factor

        self.body.append(Scale())


class ScaledByObject(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        self.settings = type("Settings", (), {"factor": factor})()

    def scale(self) -> Any:
        return self.settings.factor


class ScaledByOwnClass(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        self.__class__ = type("ScaledByOwnClass", (ScaledByOwnClass,), {"scale": lambda self: factor})


class ScaledByText(Base):
    def __init__(self, in_features: int, num_classes: int, factor: float) -> None:
        super().__init__(in_features, num_classes)
        names: dict[str, Any] = {"factor": factor}
        exec("def factor_of(): return factor", names)
        self.factor_of = names["factor_of"]

    def scale(self) -> Any:
        return self.factor_of()


class Halved(Base):
    """Lanes would compute it in float32."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head.bias = nn.Parameter(self.head.bias.bfloat16())

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) @ self.head.weight.t() + self.head.bias  # type: ignore[no-any-return]  # modules return Any


class LooksAtRowsBeside(Base):
    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        return self.head(hidden - hidden.mean(0))  # type: ignore[no-any-return]  # modules return Any


class PatchesItself(Base):
    """A forward of the instance's own, whose closure holds another model than its lanes'."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        head = self.head
        patched = types.SimpleNamespace(run=lambda hidden: head(hidden))
        self.run = patched.run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self.body(x))  # type: ignore[no-any-return]  # modules return Any


class TeachesItself(Base):
    """A copy of a layer that is no module of the model, and so has the first weights of its trial."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.teacher = [copy.deepcopy(self.head)]

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        return self.head(hidden) - self.teacher[0](hidden)  # type: ignore[no-any-return]  # modules return Any


class Clips(Base):
    """Keeps weights small between steps, outside of the optimizer."""

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.head.weight.data.clamp_(-0.05, 0.05)
        return super().forward(x)
