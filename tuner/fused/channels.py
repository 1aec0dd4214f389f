"""Lanes side by side in the channels of images: (N, K C, H, W), as one convolution of K groups takes them.

What treats channels one by one, as pooling and activations do, needs no other code for it. Vmap brings the lanes to
the channels before each layer and back after it, which on a GPU takes as long as the layers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet

from tuner import linear
from tuner.models.cnn import CNN

NETWORKS: frozenset[type[nn.Module]] = frozenset({CNN, resnet.ResNet, resnet.BasicBlock, resnet.Bottleneck})
"""What calls layers, adds what they give, and flattens all but the rows: nothing that looks into channels."""

POOLING: frozenset[type[nn.Module]] = frozenset(
    {nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d}
)


class Conv2d(nn.Conv2d):
    """With a weight of (K, out_channels, in_channels / groups, h, w) and a bias of (K, out_channels)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """(N, K in_channels, H, W) -> (N, K out_channels, H', W')."""
        bias = None if self.bias is None else self.bias.flatten()
        groups = len(self.weight) * self.groups
        weight = self.weight.flatten(0, 1)
        return functional.conv2d(input, weight, bias, self.stride, self.padding, self.dilation, groups)


class BatchNorm2d(nn.BatchNorm2d):
    """With parameters and statistics of (K, num_features)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """(N, K num_features, H, W) -> the same."""
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        mean, var, weight, bias = map(_flat, (self.running_mean, self.running_var, self.weight, self.bias))
        by_batch = self.training or mean is None
        assert self.momentum is not None
        return functional.batch_norm(input, mean, var, weight, bias, by_batch, self.momentum, self.eps)


class Linear(linear.Linear):
    """With a weight of (K, out_features, in_features); from here on lanes come first."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """(N, K in_features), or (K, N, in_features) -> (K, N, out_features)."""
        return super().forward(by_lane(input, len(self.weight)))


LAYERS: Mapping[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: Conv2d,
    nn.BatchNorm2d: BatchNorm2d,
    linear.Linear: Linear,
}
"""What a layer becomes."""


def are_for(module: nn.Module) -> bool:
    """Whether a layer, or what holds layers, computes in lanes so."""
    match module:
        case nn.Conv2d():
            return type(module) is nn.Conv2d and module.padding_mode == "zeros"
        case nn.BatchNorm2d():
            return type(module) is nn.BatchNorm2d and module.momentum is not None  # or it depends on a lane's batches
        case nn.Flatten():
            return type(module) is nn.Flatten and (module.start_dim, module.end_dim) == (1, -1)
        case nn.MaxPool2d() | nn.AdaptiveMaxPool2d() if module.return_indices:
            return False
        case _:
            return type(module) in {linear.Linear, *NETWORKS, *POOLING}


def take_over(model: nn.Module) -> None:
    """Have the layers of a model compute in lanes."""
    for module in model.modules():
        module.__class__ = LAYERS.get(type(module), type(module))


def side_by_side(tensor: Tensor) -> Tensor:
    """(K, N, C, ...) -> (N, K C, ...)."""
    return tensor.transpose(0, 1).flatten(1, 2)


def by_lane(tensor: Tensor, lanes: int) -> Tensor:
    """(N, K F) -> (K, N, F); what is (K, N, F) stays so.

    Raises:
        ValueError: it is neither.
    """
    if tensor.dim() == 3:
        return tensor
    if tensor.dim() != 2:
        raise ValueError(f"a linear layer in front of {tensor.dim() - 2} more dimensions")
    return tensor.view(len(tensor), lanes, -1).transpose(0, 1)


def _flat(tensor: Tensor | None) -> Tensor | None:
    """(K, C) -> (K C,); of statistics, which lie together and are changed in place, a view."""
    return None if tensor is None else tensor.flatten()
