"""Linear layers whose product a CPU computes sooner, of one model and of lanes that train together.

MKL takes a quarter longer for outputs whose number is no multiple of its block, as tuned widths are; it computes their
transpose at full speed. And for lanes vmap takes a linear layer apart into five operations where one would do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner import torch_internals
from tuner.runtime.tracing import is_eager, is_proxy, is_recorded, leaf_call

HAS_MKL: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]

BLOCK = 16
"""So many outputs MKL computes at once."""

MANY = 2**17
"""The numbers in the inputs of all lanes that a core's cache no longer holds."""

LARGE = 2**21
"""The multiplications from which on the transposed product is worth the operations around it."""


class Linear(nn.Linear):
    """As `nn.Linear`, and torch's own on other devices than a CPU but for lanes' parameters.

    What looks for layers by their very class, such as quantization, does not find it.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """(N, ..., in_features) -> (N, ..., out_features); with parameters of K lanes, (K, N, ...) -> (K, N, ...)."""
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return product(self, input)
        return functional.linear(input, self.weight, self.bias)


def product(layer: nn.Linear, input: Tensor) -> Tensor:  # noqa: A002  # as the layer's `forward` has it
    """What a linear layer gives, by the fastest way for its lanes, its device and its width."""
    if is_proxy(input):
        return leaf_call(layer, input)
    weight, bias = layer.weight, layer.bias
    if is_recorded() or not isinstance(input, Tensor):
        return functional.linear(input, weight, bias)
    if weight.dim() > 2:
        return _of_lanes(input, weight, bias)
    if input.device.type == "cpu" and input.dim() > 1:
        if torch_internals.is_in_lanes(weight):
            return _in_lanes(input, weight, bias)
        if _is_slow(input, weight):
            return _transposed(input, weight, bias)
    return functional.linear(input, weight, bias)


def _is_slow(inputs: Tensor, weight: Tensor) -> bool:
    """Whether the transpose is sooner there.

    Not where inputs have a gradient: its strides would be those of a transpose, on which what comes next is slow.
    """
    if len(weight) % BLOCK == 0 or inputs.dim() != 2 or inputs.requires_grad or not is_eager(inputs, weight):
        return False
    is_by_mkl = HAS_MKL and inputs.dtype is torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_by_mkl and inputs.shape[0] * weight.numel() >= LARGE


def _in_lanes(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Under vmap, with the lanes in sight: each tensor is (K, ...) here."""
    level = torch_internals.level_of(weight)
    if level != torch_internals.vmap_level():  # the model uses torch.func too
        return functional.linear(inputs, weight, bias)
    of_lanes = torch_internals.remove_batch_dim(weight, level, 0, 0)  # it knows its lanes
    lanes = len(of_lanes)
    rows = torch_internals.remove_batch_dim(inputs, level, lanes, 0)
    biases = None if bias is None else torch_internals.remove_batch_dim(bias, level, lanes, 0)
    product: Tensor = torch_internals.add_batch_dim(_of_lanes(rows, of_lanes, biases), 0, level)
    return product


def _transposed(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(N, I), (O, I), (O,) -> (N, O)."""
    columns = inputs.t()
    product = torch.mm(weight, columns) if bias is None else torch.addmm(bias[:, None], weight, columns)
    return product.t().contiguous()


def _of_lanes(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """(K, N, ..., I), (K, O, I), (K, O) -> (K, N, ..., O).

    On a CPU few outputs take as long as a block of them, their gradients twice: they are computed as their transpose,
    or, where the strides of its gradient would cost more, as a whole block.
    """
    rows, outputs = inputs.flatten(1, -2), weight.shape[1]
    if outputs >= BLOCK or inputs.device.type != "cpu":
        product = _product(rows, weight.transpose(1, 2), bias, 1)
    elif inputs.numel() < MANY:
        product = _product(weight, rows.transpose(1, 2), bias, 2).transpose(1, 2)
    else:
        more = BLOCK - outputs
        filled = None if bias is None else functional.pad(bias, (0, more))
        turned = functional.pad(weight, (0, 0, 0, more)).transpose(1, 2)
        product = _product(rows, turned, filled, 1)[..., :outputs]
    return product.contiguous().view(*inputs.shape[:-1], outputs)


def _product(left: Tensor, right: Tensor, bias: Tensor | None, along: int) -> Tensor:
    """(K, A, I) by (K, I, B) -> (K, A, B); the bias, (K, A) or (K, B), is the same along a dimension."""
    return torch.bmm(left, right) if bias is None else torch.baddbmm(bias.unsqueeze(along), left, right)
