"""The forward pass of all lanes: straight through layers that take several at once, else by vmap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.func import vmap

from tuner import models
from tuner.fused import noise
from tuner.fused.borrowing import Borrowing
from tuner.linear import Linear

CHAINS = {nn.Sequential, models.MLP, models.Linear}
"""What does nothing but to call one layer after the other."""

ELEMENTWISE = {
    *(nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh),
    *(nn.Sigmoid, nn.LogSigmoid, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Softplus, nn.Softsign, nn.Tanhshrink),
}


class Forward:
    """A model computed for all lanes at once.

    Vmap adds half a millisecond to each step, a fifth of what 32 small MLPs take.

    Args:
        model: is changed, and by itself no model any more.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._noise = noise.take_over(model)
        model.train()  # layers follow its word, whatever they were
        self._is_straight = all(map(_takes_lanes, model.modules()))
        if self._is_straight:
            _flatten_by_lane(model)
        self._outputs = Borrowing(model)
        self._calls: dict[int, list[noise.Call]] = {}

    def training(
        self, tensors: Mapping[str, Tensor], inputs: Tensor, chance: noise.Chance, rates: noise.Rates
    ) -> Tensor:
        """(K, N, ...) -> (K, N, outputs), as a model in training gives them, with parameters and buffers (K, ...)."""
        self._be_training(True)
        size = inputs.shape[1]
        if size not in self._calls:
            self._calls[size] = self._calls_of(tensors, inputs) if rates.values[0] else []
        return self._noisy(tensors, inputs, chance.noise(self._calls[size], rates))

    def scoring(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        """(N, ...) -> (K, N, outputs), as a model in evaluation gives them."""
        self._be_training(False)
        if not self._is_straight:
            return vmap(self._outputs, in_dims=(0, None))(tensors, inputs)
        lanes = len(next(iter(tensors.values())))
        inputs = inputs.contiguous()  # or each lane would flatten a copy of its own
        return self._outputs(tensors, inputs.expand(lanes, *inputs.shape))

    def _be_training(self, whether: bool) -> None:
        if self._model.training is not whether:  # to say it takes longer than a layer
            self._model.train() if whether else self._model.eval()  # either may be the model's own

    def _noisy(self, tensors: Mapping[str, Tensor], inputs: Tensor, given: list[Tensor]) -> Tensor:
        def outputs_of(tensors: Mapping[str, Tensor], inputs: Tensor, given: list[Tensor]) -> Tensor:
            self._noise.give(given)
            return self._outputs(tensors, inputs)

        return (outputs_of if self._is_straight else vmap(outputs_of))(tensors, inputs, given)

    def _calls_of(self, tensors: Mapping[str, Tensor], inputs: Tensor) -> list[noise.Call]:
        """The dropouts that a pass calls, found by one of the first lane."""
        first = {name: tensor[:1].detach().clone() for name, tensor in tensors.items()}  # batch norm changes its own
        with torch.no_grad(), self._noise.recording() as calls:
            self._noisy(first, inputs[:1], [])
        return [replace(call, shape=call.shape[1:]) for call in calls] if self._is_straight else calls


def _takes_lanes(module: nn.Module) -> bool:
    """Whether a layer computes (K, N, ...) with parameters (K, ...) as vmap would have it, but for how it flattens."""
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        return False  # code of one's own, which may look at all that it is given
    if type(module) is nn.Flatten:
        return (module.start_dim, module.end_dim) == (1, -1)
    return type(module) in {Linear, noise.Dropout, *CHAINS, *ELEMENTWISE}


def _flatten_by_lane(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Flatten):
            module.start_dim = 2
