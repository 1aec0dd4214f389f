"""The door to torch's private names: each is looked up here, and nowhere else.

A release that moves one is refused by its name. `tests/test_torch_internals.py` uses each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _functorch
from torch.nn.modules import batchnorm, loss

from tuner.internals import internal

_WITH = f"torch {torch.__version__}"

add_batch_dim: Callable[..., Any] = internal(_functorch, "_add_batch_dim", _WITH)
"""Hide the first dimension of a tensor from vmap's function, at a level."""

remove_batch_dim: Callable[..., Any] = internal(_functorch, "_remove_batch_dim", _WITH)
"""Show a dimension that vmap hides, at a level."""

vmap_level: Callable[[], int | None] = internal(_functorch, "maybe_current_level", _WITH)
"""Return the level of the innermost transform of torch.func, or None outside any."""

is_in_lanes: Callable[[Tensor], bool] = internal(_functorch, "is_batchedtensor", _WITH)
"""Return whether vmap hides a dimension of a tensor."""

level_of: Callable[[Tensor], int] = internal(_functorch, "maybe_get_level", _WITH)
"""Return the level that wrapped a tensor, or -1."""

tracing_state: Callable[[], object] = internal(torch._C, "_get_tracing_state", _WITH)
"""Return what `torch.jit.trace` records into, or None."""

dispatch_modes: Callable[[], int] = internal(torch._C, "_len_torch_dispatch_stack", _WITH)
"""Return how many dispatch modes are on."""

add_to_each: Callable[..., Any] = internal(torch, "_foreach_add_", _WITH)
"""Add a number to each of several tensors, in place."""

sgd_step: Callable[..., Any] = internal(torch, "_fused_sgd_", _WITH)
adam_step: Callable[..., Any] = internal(torch, "_fused_adam_", _WITH)
adamw_step: Callable[..., Any] = internal(torch, "_fused_adamw_", _WITH)
"""Steps of optimizers over all parameters at once, in place."""

BatchNormBase: type[Any] = internal(batchnorm, "_BatchNorm", _WITH)
"""The base of all batch norms."""

LossBase: type[Any] = internal(loss, "_Loss", _WITH)
"""The base of all losses."""

PARAMETERS, BUFFERS, LAYERS = "_parameters", "_buffers", "_modules"
"""The attributes in which a module holds its parameters, buffers and layers by name."""

_FORWARD_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_GRADIENT_HOOKS = {
    nn.Module: ("_backward_hooks", "_backward_pre_hooks"),
    Tensor: ("_backward_hooks", "_post_accumulate_grad_hooks"),
}
_VOLATILE = "_non_persistent_buffers_set"
_FOR_ALL = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")

for _name in (PARAMETERS, BUFFERS, LAYERS, _VOLATILE, *_FORWARD_HOOKS, *_GRADIENT_HOOKS[nn.Module]):
    internal(nn.Module(), _name, _WITH)
for _name in _GRADIENT_HOOKS[Tensor]:
    internal(Tensor, _name, _WITH)
for _name in _FOR_ALL:
    internal(nn.modules.module, _name, _WITH)


def parameters_in(module: nn.Module) -> dict[str, nn.Parameter | None]:
    """Return the dict of a module's own parameters, which may be written to."""
    found: dict[str, nn.Parameter | None] = internal(module, PARAMETERS, _WITH)
    return found


def buffers_in(module: nn.Module) -> dict[str, Tensor | None]:
    """Return the dict of a module's own buffers, which may be written to."""
    found: dict[str, Tensor | None] = internal(module, BUFFERS, _WITH)
    return found


def volatile_buffers(module: nn.Module) -> Set[str]:
    """Return the names of a module's own buffers that its `state_dict` leaves out."""
    found: Set[str] = internal(module, _VOLATILE, _WITH)
    return found


def has_forward_hooks(module: nn.Module) -> bool:
    """Return whether user code sees what a module is given or gives."""
    return any(internal(module, name, _WITH) for name in _FORWARD_HOOKS)


def has_gradient_hooks(part: nn.Module | Tensor) -> bool:
    """Return whether user code sees the gradients of a module or tensor."""
    names = _GRADIENT_HOOKS[nn.Module if isinstance(part, nn.Module) else Tensor]
    return any(internal(part, name, _WITH) for name in names)


def hooks_for_all_modules() -> Mapping[str, Any]:
    """Return the hooks that torch calls for every module, by name."""
    return {name: value for name, value in vars(nn.modules.module).items() if name.startswith("_global_")}


def count_as_stepped(optimizer: torch.optim.Optimizer) -> None:
    """Let schedulers step without a warning, where something else than `optimizer.step` makes the steps.

    An optimizer has no such attribute before its first step; so only the test sees a release that moves it.
    """
    optimizer._opt_called = True  # type: ignore[attr-defined]  # private, as its schedulers set it
