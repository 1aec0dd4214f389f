"""Models whose lanes compute what trials compute alone."""

from __future__ import annotations

import copy
import functools
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

from tests.engines.fused.zoo.base import Base


class Plain(Base): ...


class Normalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.BatchNorm1d(16))


class LayerNormalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.LayerNorm(16))


class GroupNormalised(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.insert(2, nn.GroupNorm(4, 16))  # behind a ReLU groups would be all 0, and rounding errors grow


class Dropping(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.append(nn.Dropout(0.3))


class WeightNormed(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head = parametrizations.weight_norm(self.head)


class Positive(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return functional.softplus(weight)


class Parametrized(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        parametrize.register_parametrization(self.head, "weight", Positive())


class Tied(nn.Module):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(in_features, in_features), nn.Linear(in_features, in_features)
        self.second.weight = self.first.weight
        self.head = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        # modules return Any
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x.flatten(1))))))  # type: ignore[no-any-return]


class Repeated(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.again = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        for _ in range(3):
            hidden = hidden + torch.tanh(self.again(hidden))
        return self.head(hidden)  # type: ignore[no-any-return]  # modules return Any


class Attending(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.lift = nn.Linear(8, 16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.lift(x.flatten(1).reshape(len(x), 8, 8))
        found, _ = self.attention(rows, rows, rows, need_weights=False)
        return self.head(self.norm(rows + found).mean(1))  # type: ignore[no-any-return]  # modules return Any


class Scaled(nn.Module):
    """Attention by torch's function, with positions in a buffer."""

    positions: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("positions", torch.linspace(0, 1, 8)[:, None].repeat(1, 16), persistent=False)
        self.lift, self.mix = nn.Linear(8, 16), nn.Linear(16, 48)
        self.head = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.lift(x.flatten(1).reshape(len(x), 8, 8)) + self.positions
        query, key, value = self.mix(rows).chunk(3, dim=-1)
        # modules return Any
        return self.head(functional.scaled_dot_product_attention(query, key, value).mean(1))  # type: ignore[no-any-return]


class Averaging(Base):
    """A running mean in a buffer that is written in place, as batch norm does."""

    mean: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.register_buffer("mean", torch.zeros(16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * hidden.detach().mean(0))
        return self.head(hidden - self.mean)  # type: ignore[no-any-return]  # modules return Any


class Warming(Base):
    """A schedule by a buffer that counts in place."""

    steps: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.register_buffer("steps", torch.zeros(()))

    def scale(self) -> Any:
        if self.training:
            self.steps.add_(1)
        return (self.steps / 20).clamp(max=1)


class Frozen(Base):
    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.body.requires_grad_(False)


class Convolving(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(36, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.net(x))  # type: ignore[no-any-return]  # modules return Any


class Listed(nn.Module):
    def __init__(self, in_features: int, num_classes: int, depth: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(in_features, in_features) for _ in range(depth)])
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)) for _ in range(depth)])
        self.head = nn.Linear(in_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        hidden = x.flatten(1)
        for layer, scale in zip(self.layers, self.scales, strict=True):
            hidden = hidden + scale * torch.relu(layer(hidden))
        return self.head(hidden)  # type: ignore[no-any-return]  # modules return Any


class Constant(Base):
    """A tensor that is no buffer and does not change."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.weights = torch.linspace(0.5, 1.5, num_classes)

    def scale(self) -> Any:
        return self.weights


class Configured(Base):
    """Reads settings that nothing changes."""

    SETTINGS: ClassVar[dict[str, Any]] = {"scale": 0.5, "names": ["a", "b"], "function": torch.tanh}

    def scale(self) -> Any:
        return LIMITS["scale"] * self.SETTINGS["scale"]


LIMITS = {"scale": 2.0}


class Activated(Base):
    """A function with an argument, as people pass activations."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.activation = functools.partial(functional.leaky_relu, negative_slope=0.2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.activation(self.body(x)))  # type: ignore[no-any-return]  # modules return Any


class Watched(Base):
    """A hook that changes what a layer gives, always in the same way."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.head.register_forward_hook(lambda layer, inputs, outputs: outputs * 0.5)


class AveragesItself(Base):
    """A teacher that follows the head in each step, and has no gradients."""

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.teacher = copy.deepcopy(self.head).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        if self.training:
            with torch.no_grad():
                for slow, quick in zip(self.teacher.parameters(), self.head.parameters(), strict=True):
                    slow.mul_(0.9).add_(quick, alpha=0.1)
        return self.head(hidden) + 0.3 * self.teacher(hidden)  # type: ignore[no-any-return]  # modules return Any


class Quantised(Base):
    """A codebook in buffers that each step moves."""

    codes: Tensor

    def __init__(self, in_features: int, num_classes: int) -> None:
        super().__init__(in_features, num_classes)
        self.register_buffer("codes", torch.randn(8, 16))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)
        nearest = torch.cdist(hidden, self.codes).argmin(1)
        if self.training:
            chosen = functional.one_hot(nearest, 8).float()
            self.codes.mul_(0.9).add_(0.01 * chosen.t() @ hidden.detach())
        # modules return Any
        return self.head(hidden + (self.codes[nearest] - hidden).detach())  # type: ignore[no-any-return]
