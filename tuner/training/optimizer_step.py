"""An optimizer's step on a CPU: from the gradients to torch's kernel for all parameters at once.

`Optimizer.step` calls a profiler and hooks and sorts its tensors each time. That takes a twentieth of a small model's
time. For RMSprop, which has no such kernel, it takes a fifth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from tuner.torch_internals import adam_step, adamw_step, add_to_each, count_as_stepped, sgd_step
from tuner.training import optimizers
from tuner.training.optimizers import Group

Stepping: TypeAlias = Callable[[], None]
"""Makes an optimizer step with the current gradients."""

Tensors: TypeAlias = list[Tensor]
Kernel: TypeAlias = Callable[[Tensors, Tensors, Mapping[str, Tensors], Group], None]
"""Takes parameters, gradients, the optimizer's state by name, and its group."""

Needed: TypeAlias = Sequence[str] | None
"""Names of an optimizer's state."""

LONG_AGO = 1e9
"""The step from which Adam's bias correction no longer matters."""

NO_MEAN = 1 - 1e-7
"""From this alpha on, `LONG_AGO` is not late enough."""


def stepping_of(optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler) -> Stepping:
    """Return a function that makes an optimizer's step; an enabled scaler unscales the gradients first.

    Hooks of the optimizer are not called at each step.
    """
    groups = optimizer.param_groups
    if len(groups) == 1 and _are_plain(groups[0]["params"]) and not scaler.is_enabled():
        match optimizer:
            case torch.optim.SGD():
                return _Direct(optimizer, _sgd_needs, _sgd)
            case torch.optim.Adam():  # AdamW is one
                return _Direct(optimizer, _adam_needs, _adam)
            case torch.optim.RMSprop():
                return _Direct(optimizer, _rmsprop_needs, _RMSprop())

    def step() -> None:
        scaler.step(optimizer)
        scaler.update()

    return step


class _Direct:
    """A step by a kernel. Torch makes the first step, and any step that the kernel does not cover.

    Gradients and state alone decide between the two. So a run that resumes from a checkpoint computes the same as
    without the interruption.

    Args:
        optimizer: of one group.
        needs: the state that the kernel takes where a group is so set; None where it is not for that.
        kernel: makes the step.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, needs: Callable[[Group], Needed], kernel: Kernel) -> None:
        self._optimizer = optimizer
        self._needs = needs
        self._kernel = kernel
        self._parameters: Tensors = optimizer.param_groups[0]["params"]
        self._source: object = None
        self._state: Mapping[str, Tensors] = {}
        count_as_stepped(optimizer)

    def __call__(self) -> None:
        group = self._optimizer.param_groups[0]
        needed = self._needs(group)
        gradients = [p.grad for p in self._parameters if p.grad is not None and not p.grad.is_sparse]
        if needed is None or len(gradients) < len(self._parameters) or not self._has(needed):
            self._optimizer.step()
            return
        with torch.no_grad():
            self._kernel(self._parameters, gradients, self._state, group)

    def _has(self, needed: Sequence[str]) -> bool:
        """Return whether all parameters have this state; loaded state is another object and is read again."""
        if self._source is not self._optimizer.state or not self._state.keys() >= set(needed):
            self._source = self._optimizer.state
            states = [self._optimizer.state.get(p, {}) for p in self._parameters]
            self._state = {name: [state[name] for state in states] for name in _common(states)}
        return self._state.keys() >= set(needed)


def _common(states: Sequence[Mapping[str, Tensor]]) -> set[str]:
    return set(states[0]).intersection(*states[1:])


def _are_plain(parameters: Sequence[Tensor]) -> bool:
    """Return whether one kernel takes all these parameters at once on a CPU."""
    types = {p.dtype for p in parameters}
    return len(types) == 1 and all(p.device.type == "cpu" and optimizers.is_plain(p) for p in parameters)


def _sgd_needs(group: Group) -> Needed:
    return optimizers.sgd_state(group) if group["fused"] else None


def _adam_needs(group: Group) -> Needed:
    return ["step", *optimizers.adam_state(group)] if group["fused"] else None


def _rmsprop_needs(group: Group) -> Needed:
    is_simple = not any(group[flag] for flag in ("momentum", "centered", "capturable", "differentiable"))
    is_left_to_us = group["foreach"] is None
    return (
        ["step", *optimizers.rmsprop_state(group)] if is_simple and is_left_to_us and group["alpha"] < NO_MEAN else None
    )


def _sgd(parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
    sgd_step(
        parameters,
        gradients,
        state["momentum_buffer"] if group["momentum"] else [],
        **{name: group[name] for name in ("weight_decay", "momentum", "lr", "dampening", "nesterov", "maximize")},
        is_first_step=False,
    )


def _adam(parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
    add_to_each(state["step"], 1)
    kernel = adamw_step if group["decoupled_weight_decay"] else adam_step
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
    """RMSprop computed as Adam: the last gradient is the mean, and no bias is corrected."""

    def __init__(self) -> None:
        self._means: Tensors = []
        self._steps: Tensors = []

    def __call__(self, parameters: Tensors, gradients: Tensors, state: Mapping[str, Tensors], group: Group) -> None:
        if not self._means:
            self._means = [torch.zeros_like(p) for p in parameters]
            self._steps = [torch.tensor(LONG_AGO) for _ in parameters]
        add_to_each(state["step"], 1)
        adam_step(
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
