"""Linear layers whose product a CPU computes sooner, of one model and of lanes that train together.

MKL takes a quarter longer for outputs whose width is no multiple of its blocks, as tuned widths are; it computes their
transpose at full speed. And for lanes vmap takes linear apart into five operations, of which one is the product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch._C import _functorch as functorch

BLOCK = 16
"""So many outputs MKL computes at once."""

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
        if inputs.dim() == 2 and self.out_features % BLOCK and inputs.shape[0] * self.weight.numel() >= LARGE:
            return _transposed(inputs, self.weight, self.bias)
        return super().forward(inputs)

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
    """(K, N, ..., I), (K, O, I), (K, O) -> (K, N, ..., O)."""
    rows = inputs.flatten(1, -2)
    if weight.shape[1] % BLOCK:
        columns = rows.transpose(1, 2)
        product = torch.bmm(weight, columns) if bias is None else torch.baddbmm(bias[:, :, None], weight, columns)
        outputs = product.transpose(1, 2).contiguous()
    else:
        turned = weight.transpose(1, 2)
        outputs = torch.bmm(rows, turned) if bias is None else torch.baddbmm(bias[:, None], rows, turned)
    return outputs.view(*inputs.shape[:-1], -1)
