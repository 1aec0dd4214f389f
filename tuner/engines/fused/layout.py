"""The layout of lanes in a tensor."""

from __future__ import annotations

from enum import Enum, auto

from torch import Tensor


class Layout(Enum):
    """The place of the lanes: first, (K, N, C, ...), or side by side in the channels, (N, K C, ...)."""

    FIRST = auto()
    BESIDE = auto()


def side_by_side(tensor: Tensor) -> Tensor:
    """Map (K, N, C, ...) to (N, K C, ...)."""
    return tensor.transpose(0, 1).flatten(1, 2)


def lanes_first(tensor: Tensor, lanes: int) -> Tensor:
    """Map (N, K C, ...) to (K, N, C, ...)."""
    rows, channels, *size = tensor.shape
    return tensor.reshape(rows, lanes, channels // lanes, *size).transpose(0, 1)


def rows_by_lane(tensor: Tensor, lanes: int) -> Tensor:
    """Map (N, K F) to (K, N, F), and leave (K, N, F) unchanged.

    Raises:
        ValueError: it is neither.
    """
    if tensor.dim() not in (2, 3):
        raise ValueError(f"a row has {tensor.dim() - 1} dimensions where it should have one")
    return lanes_first(tensor, lanes) if tensor.dim() == 2 else tensor
