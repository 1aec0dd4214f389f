"""Linear layers whose product a CPU computes faster, for one model and for lanes that train together.

MKL takes a quarter longer if the number of outputs is no multiple of its block, as with tuned widths. It computes their
transpose at full speed. For lanes, vmap splits a linear layer into five operations where one is enough.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner import torch_internals
from tuner.runtime.tracing import is_eager, is_proxy, is_recorded, leaf_call

HAS_MKL: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]  # torch leaves it untyped

BLOCK = 16
"""Number of outputs that MKL computes at once."""

MANY = 2**17
"""Numbers in the inputs of all lanes that no longer fit into a core's cache."""

LARGE = 2**21
"""Number of multiplications above which the transposed product pays."""


class Linear(nn.Linear):
    """As `nn.Linear`, and torch's own on other devices than a CPU but for lanes' parameters.

    What looks for layers by their very class, such as quantization, does not find it.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's own name, by which it may be given
        """Map (N, ..., in_features) to (N, ..., out_features), for K lanes with a leading K."""
        # torch.jit does not list it, and its scripts take no more than the code behind `ignore`
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            return product(self, input)
        return functional.linear(input, self.weight, self.bias)


def product(layer: nn.Linear, input: Tensor) -> Tensor:  # noqa: A002  # as the layer's `forward` has it
    """Return a linear layer's product, by the fastest way for its lanes, device and width."""
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
    """Return whether the transposed product is faster.

    It is not if inputs have a gradient. Its strides would be those of a transpose, which slow down the next operation.
    """
    if len(weight) % BLOCK == 0 or inputs.dim() != 2 or inputs.requires_grad or not is_eager(inputs, weight):
        return False
    is_by_mkl = HAS_MKL and inputs.dtype is torch.float32 and not torch.is_autocast_enabled("cpu")
    return is_by_mkl and inputs.shape[0] * weight.numel() >= LARGE


def _in_lanes(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Compute under vmap with the lanes visible: each tensor here is (K, ...)."""
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
    """Map (N, I), (O, I), (O,) to (N, O)."""
    columns = inputs.t()
    product = torch.mm(weight, columns) if bias is None else torch.addmm(bias[:, None], weight, columns)
    return product.t().contiguous()


def _of_lanes(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Map (K, N, ..., I), (K, O, I), (K, O) to (K, N, ..., O).

    On a CPU few outputs take as long as a block of them, and their gradients twice as long. They are computed as their
    transpose. If the strides of its gradient would cost more, a whole block is computed.
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
    """Map (K, A, I), (K, I, B) to (K, A, B); the bias, (K, A) or (K, B), is constant along a dimension."""
    return torch.bmm(left, right) if bias is None else torch.baddbmm(bias.unsqueeze(along), left, right)
