"""Changes of a finished network: other channels in, other outputs out, and a frozen backbone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrozenBackbone(nn.Module):
    """A network of which only some layers train.

    The other layers have no gradients and stay in evaluation mode. So their batch statistics stay the same, and they
    drop nothing.

    Args:
        net: the network to freeze.
        trained: the modules of `net` that still train.
    """

    def __init__(self, net: nn.Module, trained: list[nn.Module]) -> None:
        super().__init__()
        self.net = net.requires_grad_(False)
        self.trained = trained  # a plain list: the modules have their names in `net` already
        for module in trained:
            module.requires_grad_(True)

    def train(self, mode: bool = True) -> FrozenBackbone:
        """Switch the mode of the trained modules only."""
        super().train(mode)
        self.net.eval()
        for module in self.trained:
            module.train(mode)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Return the network's outputs."""
        outputs: Tensor = self.net(images)
        return outputs


def first_convolution(net: nn.Module) -> nn.Conv2d:
    """Return the first convolution, which takes the images."""
    return next(module for module in net.modules() if isinstance(module, nn.Conv2d))


def last_layer(net: nn.Module) -> nn.Linear | nn.Conv2d:
    """Return the layer that returns the outputs."""
    return [module for module in net.modules() if isinstance(module, nn.Linear | nn.Conv2d)][-1]


def dropouts_beside(head: nn.Module, net: nn.Module) -> list[nn.Module]:
    """Return the dropouts beside the last layer, which train with it and not with the backbone."""
    around = next(module for module in net.modules() if any(child is head for child in module.children()))
    return [module for module in around.children() if isinstance(module, nn.Dropout)]


def resize_outputs(head: nn.Linear | nn.Conv2d, outputs: int) -> None:
    """Give a last layer another number of outputs, with weights drawn anew."""
    if isinstance(head, nn.Linear):
        head.out_features = outputs
    else:
        head.out_channels = outputs
    head.weight = nn.Parameter(head.weight.new_empty(outputs, *head.weight.shape[1:]))
    if head.bias is not None:
        head.bias = nn.Parameter(head.bias.new_empty(outputs))
    head.reset_parameters()


def resize_inputs(first: nn.Conv2d, channels: int, pretrained: bool) -> None:
    """Give a first convolution another number of channels, its pretrained filters adapted or drawn anew."""
    filters = first.weight.detach()
    first.in_channels = channels
    if pretrained:
        first.weight = nn.Parameter(adapted(filters, channels))
    else:
        first.weight = nn.Parameter(filters.new_empty(len(filters), channels, *filters.shape[2:]))
        first.reset_parameters()


def adapted(filters: Tensor, channels: int) -> Tensor:
    """Return filters for another number of channels, like timm's `adapt_input_conv`.

    A grey image then gives what its copy in red, green and blue gave before. For more channels than one, the filters
    repeat and are scaled, so that the sum over channels keeps its size.

    Args:
        filters: float32 (out, 3, height, width).
        channels: of the images.

    Returns:
        float32 (out, channels, height, width).
    """
    if channels == 1:
        return filters.sum(dim=1, keepdim=True)
    depth = filters.shape[1]
    return filters[:, torch.arange(channels) % depth] * (depth / channels)
