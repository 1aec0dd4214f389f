"""How lanes lie in a tensor: before all else, (K, N, C, ...), or side by side in the channels, (N, K C, ...)."""

from __future__ import annotations

from torch import Tensor


def side_by_side(tensor: Tensor) -> Tensor:
    """(K, N, C, ...) -> (N, K C, ...)."""
    return tensor.transpose(0, 1).flatten(1, 2)


def lanes_first(tensor: Tensor, lanes: int) -> Tensor:
    """(N, K C, ...) -> (K, N, C, ...)."""
    rows, channels, *size = tensor.shape
    return tensor.reshape(rows, lanes, channels // lanes, *size).transpose(0, 1)


def numbers_of_lanes(tensor: Tensor, lanes: int) -> Tensor:
    """(N, K F), or (K, N, F) already -> (K, N, F).

    Raises:
        ValueError: it is neither.
    """
    if tensor.dim() not in (2, 3):
        raise ValueError(f"a row has {tensor.dim() - 1} dimensions where it should have one")
    return lanes_first(tensor, lanes) if tensor.dim() == 2 else tensor
