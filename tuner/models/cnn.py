"""The convolutional network for images of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from torch import Tensor, nn

from tuner.errors import BuildError
from tuner.models.arguments import Count, Rate, activation, check_rate, check_widths, image_shape
from tuner.runtime.kinds import Words

POOLING = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


class CNN(nn.Module):
    """Blocks of convolution, batch norm, activation and pooling, then a fully connected head.

    The head takes its size from the images. Each block halves height and width by its pooling.

    Args:
        input_shape: (channels, height, width) of one image.
        num_classes: numbers given for one image.
        channels: the output channels of each block.
        kernel: the side of every convolution, odd, so that it keeps height and width.
        hidden: the widths of fully connected layers before the last.
        batch_norm: whether each block normalises its batch.
        dropout: the rate before each fully connected layer, in [0, 1).
        pooling: `max`, `avg` or null for none.
        activation: a class of torch.nn.

    Raises:
        BuildError: the data are not images, or a block would have nothing left to pool.
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        num_classes: int,
        channels: Sequence[int] = (32, 64),
        kernel: Count = 3,
        hidden: Sequence[int] = (),
        batch_norm: bool = True,
        dropout: Rate = 0.0,
        pooling: Annotated[str, Words(tuple(POOLING))] | None = "max",
        activation: str = "ReLU",
    ) -> None:
        super().__init__()
        depth, height, width = image_shape(input_shape, "CNN")
        blocks: list[nn.Module] = []
        for i, channel in enumerate(check_widths(channels, "channels")):
            if pooling is not None and min(height, width) < 2:
                size = "x".join(str(side) for side in input_shape[1:])
                raise BuildError(
                    "model.channels", f"images of {size} can be halved {i} times: {len(channels)} blocks are too many"
                )
            blocks += _block(depth, channel, kernel, batch_norm, pooling, activation)
            depth = channel
            if pooling is not None:
                height, width = height // 2, width // 2
        self.features = nn.Sequential(*blocks)
        self.head = _head(depth * height * width, hidden, num_classes, dropout, activation)

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 (N, C, H, W) to (N, num_classes)."""
        outputs: Tensor = self.head(self.features(images))
        return outputs


def _block(depth: int, channels: int, kernel: int, batch_norm: bool, pooling: str | None, name: str) -> list[nn.Module]:
    if kernel % 2 == 0 or kernel < 1:
        raise BuildError("model.kernel", f"a kernel is odd, so that it keeps the image's size, not {kernel}")
    if pooling is not None and pooling not in POOLING:
        raise BuildError("model.pooling", f"pooling is max, avg or null, not {pooling}")
    block: list[nn.Module] = [nn.Conv2d(depth, channels, kernel, padding=kernel // 2, bias=not batch_norm)]
    if batch_norm:
        block.append(nn.BatchNorm2d(channels))
    last = [activation(name)()] if pooling is None else [activation(name)(), POOLING[pooling](2)]
    if (name, pooling) == ("ReLU", "max"):
        last.reverse()  # it gives the same bits, gradients included, sooner
    return [*block, *last]


def _head(width: int, hidden: Sequence[int], outputs: int, dropout: float, name: str) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten()]
    rate = check_rate(dropout)
    for units in check_widths(hidden, "hidden"):
        layers += [*([nn.Dropout(rate)] if rate else []), nn.Linear(width, units), activation(name)()]
        width = units
    return nn.Sequential(*layers, *([nn.Dropout(rate)] if rate else []), nn.Linear(width, outputs))
