"""Dropout whose noise is cheap to draw on a CPU, and everywhere the same as a lane's.

Torch draws 16 ns for each element, this 2: of more than some 4,000 elements it is faster, of fewer a little slower.
Lanes that train together, which draw for each of them, gain from it in any size.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from tuner.runtime.tracing import is_eager, is_proxy, leaf_call

LEVELS = 2**16
"""A rate is one of so many: four elements share a draw of 64 bits."""

_FEWEST = -(2**63)
"""Draws are of all numbers of 64 bits; without it they would be of those from 0."""


class Dropout(nn.Dropout):
    """As `nn.Dropout`: on a CPU with a rate to the nearest of `LEVELS`, on CUDA drawn as lanes draw it.

    Torch's own dropout is used under vmap, in a trace and in a compiled graph, which keep what was drawn once.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """(N, ...) -> (N, ...)."""
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            if is_proxy(input):
                return leaf_call(self, input)
            if self.training and is_random(self.p) and _is_ours(input):
                return (dropped if input.device.type == "cuda" else _dropped)(input, self.p, self.inplace)
        return functional.dropout(input, self.p, self.training, self.inplace)


def _is_ours(inputs: Tensor) -> bool:
    return is_eager(inputs) and inputs.device.type in ("cpu", "cuda") and inputs.is_floating_point()


def _dropped(inputs: Tensor, rate: float, inplace: bool) -> Tensor:
    """Inputs after a dropout in (0, 1) that is cheap to draw on a CPU."""
    elements = inputs.numel()
    drawn = draw(torch.empty((elements + 3) // 4, dtype=torch.int64)).view(torch.int16)
    drawn = drawn[:elements] if elements % 4 else drawn
    return times(inputs, kept(drawn, bound(rate)).mul_(scale(rate)).view(inputs.shape), inplace)


def is_random(rate: float) -> bool:
    """Whether something is drawn at all."""
    return 0.0 < rate < 1.0


def times(inputs: Tensor, factors: Tensor, inplace: bool = False) -> Tensor:
    """Inputs after their noise, in their own type, as torch gives them; `inplace` overwrites them."""
    return inputs.mul_(factors) if inplace else (inputs * factors).to(inputs.dtype)


def dropped(inputs: Tensor, rate: float, inplace: bool = False) -> Tensor:
    """Inputs after a dropout in (0, 1) that torch draws, on any device; `inplace` overwrites them."""
    mask = draw_kept(inputs.new_empty(inputs.shape, dtype=torch.bool), rate)
    if inplace:
        return inputs.mul_(mask).mul_(exact_scale(rate))
    return inputs * mask * exact_scale(rate)


def draw_kept(into: Tensor, rate: float, generator: Generator | None = None) -> Tensor:
    """Fill bools of any shape with whether an element is kept, as torch draws it."""
    return into.bernoulli_(1.0 - rate, generator=generator)


def exact_scale(rate: float) -> float:
    """What is multiplied by what is kept so."""
    return 1.0 / (1.0 - rate) if rate < 1.0 else 0.0


def draw(into: Tensor, generator: Generator | None = None) -> Tensor:
    """Fill int64 (D,) with the draws for 4 D elements; by default from torch's own generator."""
    return into.random_(_FEWEST, None, generator=generator)


def bound(rate: float) -> int:
    """An element is kept whose 16 bits, as a signed number, are not below this."""
    return min(round(rate * LEVELS), LEVELS - 1) - LEVELS // 2


def kept(drawn: Tensor, bounds: Tensor | int) -> Tensor:
    """1 for each element that is kept, else 0, float32; comparing straight into numbers is faster than into bools."""
    return torch.ge(drawn, bounds, out=torch.empty_like(drawn, dtype=torch.float32))


def scale(rate: float) -> float:
    """What the kept elements are multiplied by."""
    return LEVELS / (LEVELS // 2 - bound(rate)) if rate < 1.0 else 0.0
