"""Dropout with noise that is cheap to draw on a CPU, and equal to that of a lane.

Torch draws 16 ns per element, this class 2 ns. Above some 4,000 elements it is faster, below a little slower. Lanes
that train together gain at any size, because they draw for each lane.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from tuner.runtime.tracing import is_eager, is_proxy, leaf_call

LEVELS = 2**16
"""Number of possible rates: four elements share a draw of 64 bits."""

_FEWEST = -(2**63)
"""The low end of draws, so that they cover all numbers of 64 bits."""


class Dropout(nn.Dropout):
    """`nn.Dropout` with cheap noise: a rate to the nearest of `LEVELS` on a CPU, a lane's draws on CUDA.

    Under vmap, in a trace and in a compiled graph torch's own dropout is used, since those keep one draw.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """Map (N, ...) to (N, ...)."""
        # torch.jit does not list it, and its scripts take no more than the code behind `ignore`
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            if is_proxy(input):
                return leaf_call(self, input)
            if self.training and is_random(self.p) and _is_ours(input):
                return (dropped if input.device.type == "cuda" else _dropped)(input, self.p, self.inplace)
        return functional.dropout(input, self.p, self.training, self.inplace)


def _is_ours(inputs: Tensor) -> bool:
    return is_eager(inputs) and inputs.device.type in ("cpu", "cuda") and inputs.is_floating_point()


def _dropped(inputs: Tensor, rate: float, inplace: bool) -> Tensor:
    """Return inputs after a dropout with a rate in (0, 1), cheap to draw on a CPU."""
    elements = inputs.numel()
    drawn = draw(torch.empty((elements + 3) // 4, dtype=torch.int64)).view(torch.int16)
    drawn = drawn[:elements] if elements % 4 else drawn
    return times(inputs, kept(drawn, bound(rate)).mul_(scale(rate)).view(inputs.shape), inplace)


def is_random(rate: float) -> bool:
    """Return whether a dropout of this rate draws anything."""
    return 0.0 < rate < 1.0


def times(inputs: Tensor, factors: Tensor, inplace: bool = False) -> Tensor:
    """Return inputs times their noise, in the inputs' type; `inplace` overwrites them."""
    return inputs.mul_(factors) if inplace else (inputs * factors).to(inputs.dtype)


def dropped(inputs: Tensor, rate: float, inplace: bool = False) -> Tensor:
    """Return inputs after a dropout with a rate in (0, 1) that torch draws; `inplace` overwrites them."""
    mask = draw_kept(inputs.new_empty(inputs.shape, dtype=torch.bool), rate)
    if inplace:
        return inputs.mul_(mask).mul_(exact_scale(rate))
    return inputs * mask * exact_scale(rate)


def draw_kept(into: Tensor, rate: float, generator: Generator | None = None) -> Tensor:
    """Fill bools of any shape with whether an element is kept, as torch draws it."""
    return into.bernoulli_(1.0 - rate, generator=generator)


def exact_scale(rate: float) -> float:
    """Return the factor of the kept elements."""
    return 1.0 / (1.0 - rate) if rate < 1.0 else 0.0


def draw(into: Tensor, generator: Generator | None = None) -> Tensor:
    """Fill int64 (D,) with the draws for 4 D elements; by default from torch's own generator."""
    return into.random_(_FEWEST, None, generator=generator)


def bound(rate: float) -> int:
    """Return the bound of 16 signed bits: an element at or above it is kept."""
    return min(round(rate * LEVELS), LEVELS - 1) - LEVELS // 2


def kept(drawn: Tensor, bounds: Tensor | int) -> Tensor:
    """Return float32 with 1 for each kept element, else 0; comparing into floats is faster than into bools."""
    return torch.ge(drawn, bounds, out=torch.empty_like(drawn, dtype=torch.float32))


def scale(rate: float) -> float:
    """Return the factor of the kept elements, for a rate rounded to `LEVELS`."""
    return LEVELS / (LEVELS // 2 - bound(rate)) if rate < 1.0 else 0.0
