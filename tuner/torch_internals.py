"""The door to what torch keeps to itself: each name is looked up here, once, and nowhere else.

A release that moves one is refused by its name when this module is imported. `tests/test_internals.py` uses each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._C import _functorch

from tuner.internals import internal

_WITH = f"torch {torch.__version__}"

add_batch_dim: Callable[..., Any] = internal(_functorch, "_add_batch_dim", _WITH)
"""Hide the first dimension of a tensor from vmap's function, at a level."""

remove_batch_dim: Callable[..., Any] = internal(_functorch, "_remove_batch_dim", _WITH)
"""Show a dimension that vmap hides, at a level."""

vmap_level: Callable[[], int | None] = internal(_functorch, "maybe_current_level", _WITH)
"""Return the level of the innermost transform of torch.func, or None outside any."""

is_in_lanes: Callable[[torch.Tensor], bool] = internal(_functorch, "is_batchedtensor", _WITH)
"""Return whether vmap hides a dimension of a tensor."""

level_of: Callable[[torch.Tensor], int] = internal(_functorch, "maybe_get_level", _WITH)
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
