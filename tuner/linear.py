"""Linear layers whose product a CPU computes sooner, of one model and of lanes that train together.

MKL takes a quarter longer for outputs whose number is no multiple of its block, as tuned widths are; it computes their
transpose at full speed. And for lanes vmap takes a linear layer apart into five operations where one would do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._C import _functorch as functorch
from torch.nn import functional

BLOCK = 16
"""So many outputs MKL computes at once."""

MANY = 2**17
"""The numbers in the inputs of all lanes that a core's cache no longer holds."""

LARGE = 2**21
"""The multiplications from which on the transposed product is worth the operations around it."""


class Linear(nn.Linear):
    """As `nn.Linear`, and torch's own on other devices than a CPU."""

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, ..., in_features) -> (N, ..., out_features)."""
        if inputs.device.type != "cpu" or inputs.dim() < 2:
            return super().forward(inputs)
        if functorch.is_batchedtensor(self.weight):
            return self._in_lanes(inputs)
        if self._is_slow(inputs):
            return _transposed(inputs, self.weight, self.bias)
        return super().forward(inputs)

    def _is_slow(self, inputs: Tensor) -> bool:
        """Whether the transpose is sooner there; the gradient of its inputs would lie across what is next to them."""
        is_odd = inputs.dim() == 2 and self.out_features % BLOCK != 0
        return is_odd and inputs.shape[0] * self.weight.numel() >= LARGE and not inputs.requires_grad

    def _in_lanes(self, inputs: Tensor) -> Tensor:
        """Under vmap, with the lanes in sight: each tensor is (K, ...) here."""
        level = functorch.maybe_get_level(self.weight)
        if level != functorch.maybe_current_level():  # the model uses torch.func too
            return super().forward(inputs)
        lanes = functorch.get_unwrapped(self.weight).shape[0]
        stacked = [
            None if each is None else functorch._remove_batch_dim(each, level, lanes, 0)
            for each in (inputs, self.weight, self.bias)
        ]
        return functorch._add_batch_dim(_of_lanes(*stacked), 0, level)


def swap(model: nn.Module) -> None:
    """Make the linear layers of a model quick ones; those of a class of one's own stay what they are."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear


def _transposed(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(N, I), (O, I), (O,) -> (N, O)."""
    columns = inputs.t()
    product = torch.mm(weight, columns) if bias is None else torch.addmm(bias[:, None], weight, columns)
    return product.t().contiguous()


def _of_lanes(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(K, N, ..., I), (K, O, I), (K, O) -> (K, N, ..., O).

    Few outputs take as long as a block of them, their gradients twice: they are computed as their transpose, or, where
    that would leave large gradients lying across, as a whole block.
    """
    rows, outputs = inputs.flatten(1, -2), weight.shape[1]
    if outputs >= BLOCK:
        product = _product(rows, weight, bias)
    elif inputs.numel() < MANY:
        columns = rows.transpose(1, 2)
        product = torch.bmm(weight, columns) if bias is None else torch.baddbmm(bias[:, :, None], weight, columns)
        product = product.transpose(1, 2)
    else:
        more = BLOCK - outputs
        filled = None if bias is None else functional.pad(bias, (0, more))
        product = _product(rows, functional.pad(weight, (0, 0, 0, more)), filled)[..., :outputs]
    return product.reshape(*inputs.shape[:-1], outputs)


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(K, N, I), (K, O, I), (K, O) -> (K, N, O)."""
    turned = weight.transpose(1, 2)
    return torch.bmm(rows, turned) if bias is None else torch.baddbmm(bias[:, None], rows, turned)
