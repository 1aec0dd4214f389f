"""An optimizer's step on a CPU: from the gradients straight to torch's kernel for all parameters at once.

`Optimizer.step` tells a profiler and its hooks of itself and sorts its tensors at each call, which takes a small
model a twentieth of its time; RMSprop, which has no such kernel, takes it a fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

Stepping: TypeAlias = Callable[[], None]
"""Makes a step with the gradients that are there."""

Tensors: TypeAlias = list[Tensor]
Group: TypeAlias = Mapping[str, Any]
"""A parameter group of a torch optimizer: what it is set to at this moment."""

Kernel: TypeAlias = Callable[[Tensors, Tensors, Mapping[str, Tensors], Group], None]
"""Takes parameters, gradients, the optimizer's state by name, and its group."""

LONG_AGO = 1e9
"""The step at which Adam corrects the bias of its means no longer."""


def stepping_of(optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler) -> Stepping:
    """How an optimizer steps; the scaler, where it is on, unscales the gradients before."""
    groups = optimizer.param_groups
    if len(groups) == 1 and _are_plain(groups[0]["params"]) and not scaler.is_enabled():
        match optimizer:
            case torch.optim.SGD():
                return _Direct(optimizer, _is_fused, _sgd)
            case torch.optim.Adam():  # AdamW is one
                return _Direct(optimizer, _is_fused, _adam)
            case torch.optim.RMSprop():
                return _Direct(optimizer, _has_squares_alone, _RMSprop(groups[0]["params"]))

    def step() -> None:
        scaler.step(optimizer)
        scaler.update()

    return step


class _Direct:
    """Leaves to torch the first step, which makes the optimizer's state, and any for which the kernel is not.

    Args:
        optimizer: of one group.
        fits: whether the kernel does what a group is set to.
        kernel: makes the step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, fits: Callable[[Group], bool], kernel: Kernel) -> None:
        self._optimizer = optimizer
        self._fits = fits
        self._kernel = kernel
        self._parameters: Tensors = optimizer.param_groups[0]["params"]
        self._state: Mapping[str, Tensors] | None = None

    def __call__(self) -> None:
        group = self._optimizer.param_groups[0]
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        if self._state is None or len(gradients) < len(self._parameters) or not self._fits(group):
            self._optimizer.step()
            self._state = self._kept()
            return
        with torch.no_grad():
            self._kernel(self._parameters, gradients, self._state, group)

    def _kept(self) -> Mapping[str, Tensors] | None:
        """The optimizer's state by name; None while it is not there for all parameters."""
        states = [self._optimizer.state.get(p, {}) for p in self._parameters]
        if any(state.keys() != states[0].keys() for state in states):
            return None
        return {name: [state[name] for state in states] for name in states[0]}


def _are_plain(parameters: Sequence[Tensor]) -> bool:
    """Whether a kernel takes them all at once."""
    first = parameters[0]
    return all(p.device.type == "cpu" and p.dtype is first.dtype and p.is_floating_point() for p in parameters)


def _is_fused(group: Group) -> bool:
    return bool(group["fused"])


def _has_squares_alone(group: Group) -> bool:
    """Whether RMSprop keeps no other state, and no other implementation of torch's is asked for."""
    return not any(group[flag] for flag in ("momentum", "centered", "foreach", "capturable", "differentiable"))


def _sgd(parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
    torch._fused_sgd_(
        parameters,
        gradients,
        state["momentum_buffer"] if group["momentum"] else [],
        **{name: group[name] for name in ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")},
        is_first_step=False,
    )


def _adam(parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
    torch._foreach_add_(state["step"], 1)
    kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
    beta1, beta2 = group["betas"]
    kernel(
        parameters,
        gradients,
        state["exp_avg"],
        state["exp_avg_sq"],
        state["max_exp_avg_sq"] if group["amsgrad"] else [],
        state["step"],
        **{name: group[name] for name in ("amsgrad", "lr", "weight_decay", "eps", "maximize")},
        beta1=beta1,
        beta2=beta2,
    )


class _RMSprop:
    """RMSprop is Adam whose mean of gradients is the last gradient, and that corrects no bias.

    Args:
        parameters: that it will step.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._means = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._steps = [torch.tensor(LONG_AGO) for _ in parameters]

    def __call__(self, parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
        torch._foreach_add_(state["step"], 1)
        torch._fused_adam_(
            parameters,
            gradients,
            self._means,
            state["square_avg"],
            [],
            self._steps,
            **{name: group[name] for name in ("lr", "weight_decay", "eps", "maximize")},
            beta1=0.0,
            beta2=group["alpha"],
            amsgrad=False,
        )
