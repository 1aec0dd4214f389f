"""Layers that compute several lanes at once, with parameters and statistics of (K, ...).

Lanes come first, (K, N, ...), or lie side by side in the channels, (N, K C, H, W). One convolution of K groups takes
the latter. Layers that treat each channel alone, such as pooling, need no other code for that. Vmap moves lanes to the
channels before each layer and back after it. On a GPU that takes as long as the layers.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeAlias

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet

from tuner import models
from tuner.engines.fused import dropout_masks
from tuner.engines.fused.layout import Layout, lanes_first, rows_by_lane, side_by_side
from tuner.models.adapt import FrozenBackbone
from tuner.torch_internals import has_forward_hooks
from tuner.training import fast_linear

Classes: TypeAlias = frozenset[type[nn.Module]]

CHAINS: Classes = frozenset({nn.Sequential, models.MLP, models.Linear})
"""Modules that only call one layer after the other."""

NETWORKS: Classes = frozenset(
    {nn.Sequential, models.CNN, FrozenBackbone, resnet.ResNet, resnet.BasicBlock, resnet.Bottleneck}
)
"""Modules that call layers, add their outputs and flatten all but the rows, without looking into channels."""

POOLING: Classes = frozenset({nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d})

ELEMENTWISE: Classes = frozenset(
    {
        *(
            dropout_masks.Dropout,
            nn.Dropout,
            nn.Identity,
            nn.ReLU,
            nn.ReLU6,
            nn.LeakyReLU,
            nn.ELU,
            nn.SELU,
            nn.CELU,
            nn.GELU,
            nn.SiLU,
        ),
        *(nn.Mish, nn.Tanh, nn.Sigmoid, nn.LogSigmoid, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Softplus),
        *(nn.Softsign, nn.Tanhshrink),
    }
)


class Conv2d(nn.Conv2d):
    """With a weight of (K, out_channels, in_channels / groups, h, w) and a bias of (K, out_channels)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """Map (N, K in_channels, H, W) to (N, K out_channels, H', W')."""
        bias = None if self.bias is None else self.bias.flatten()
        groups = len(self.weight) * self.groups
        weight = self.weight.flatten(0, 1)
        return functional.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, groups)


class BatchNorm2d(nn.BatchNorm2d):
    """With parameters and statistics of (K, num_features)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Map (N, K num_features, H, W) to the same shape."""
        return _normalised(self, input)


class BatchNorm1d(nn.BatchNorm1d):
    """With parameters and statistics of (K, num_features)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Map (K, N, num_features, ...) to the same shape."""
        return lanes_first(_normalised(self, side_by_side(input)), len(input))


class Linear(fast_linear.Linear):
    """With a weight of (K, out_features, in_features); from here on lanes come first."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Map (N, K in_features), or (K, N, in_features), to (K, N, out_features)."""
        return super().forward(rows_by_lane(input, len(self.weight)))


class Flatten(nn.Flatten):
    """Of lanes that come first."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Map (K, N, ...) to (K, N, F)."""
        return input.flatten(2)


class FlattenBeside(nn.Flatten):
    """Of lanes that lie side by side until a linear layer has them first."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Map (N, K C, H, W) to (N, K F); (K, N, F) stays unchanged."""
        return input if input.dim() == 3 else input.flatten(1)


BECOME: Mapping[Layout, Mapping[type[nn.Module], type[nn.Module]]] = {
    Layout.FIRST: {nn.BatchNorm1d: BatchNorm1d, nn.Flatten: Flatten, nn.Linear: fast_linear.Linear},
    Layout.BESIDE: {
        nn.Conv2d: Conv2d,
        nn.BatchNorm2d: BatchNorm2d,
        nn.Flatten: FlattenBeside,
        nn.Linear: Linear,
        fast_linear.Linear: Linear,
    },
}
"""The class that replaces a layer in each layout."""

LEFT: Mapping[Layout, Classes] = {
    Layout.FIRST: CHAINS | ELEMENTWISE | {fast_linear.Linear},
    Layout.BESIDE: NETWORKS | POOLING | ELEMENTWISE,
}
"""Layers that stay unchanged in each layout."""


def layout_of(model: nn.Module, are_images: bool) -> Layout | None:
    """Return a layout that all layers of a model take, else None; `are_images`: a row is (C, H, W)."""
    possible = Layout if are_images else [Layout.FIRST]
    return next((layout for layout in possible if all(_computes(module, layout) for module in model.modules())), None)


def become(model: nn.Module, layout: Layout) -> None:
    """Make the layers of a model compute lanes; it has no user code that could check their classes."""
    for module in model.modules():
        module.__class__ = BECOME[layout].get(type(module), type(module))


def quicken(model: nn.Module) -> None:
    """Make the linear layers of a model compute lanes faster under vmap; their classes stay the same."""
    for module in model.modules():
        if type(module) is nn.Linear and "forward" not in vars(module):
            # one instance gets its own forward
            module.forward = functools.partial(fast_linear.product, module)  # type: ignore[method-assign]


def _computes(module: nn.Module, layout: Layout) -> bool:
    return type(module) in BECOME[layout].keys() | LEFT[layout] and not _is_special(module)


def _is_special(module: nn.Module) -> bool:
    """Return whether a layer differs from its class, or user code sees its inputs."""
    given = vars(module).keys() - ({"forward"} if dropout_masks.is_taken_over(module) else set())
    if has_forward_hooks(module) or any(hasattr(type(module), name) for name in given):
        return True
    match module:
        case nn.Conv2d():
            return module.padding_mode != "zeros"
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return module.momentum is None  # then it depends on how many batches a lane has seen
        case nn.Flatten():
            return (module.start_dim, module.end_dim) != (1, -1)
        case nn.MaxPool2d() | nn.AdaptiveMaxPool2d():
            return bool(module.return_indices)
    return False


def _normalised(norm: nn.BatchNorm1d | nn.BatchNorm2d, inputs: Tensor) -> Tensor:
    """Map (N, K C, ...) to the same shape, like `forward` of torch's class."""
    assert norm.momentum is not None
    if norm.training and norm.track_running_stats and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    known = norm.track_running_stats or not norm.training
    mean, var = (
        stack.view(-1) if stack is not None and known else None for stack in (norm.running_mean, norm.running_var)
    )
    weight, bias = (None if stack is None else stack.flatten() for stack in (norm.weight, norm.bias))
    by_batch = norm.training or mean is None
    return functional.batch_norm(inputs, mean, var, weight, bias, by_batch, norm.momentum, norm.eps)
