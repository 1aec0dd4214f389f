"""Whether a layer receives plain numbers, or a tracer, a compiler or a transform of torch is active.

A layer with its own implementation uses torch's in the second case.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tuner.torch_internals import dispatch_modes, tracing_state, vmap_level

PLAIN = (Tensor, nn.Parameter)
"""Plain classes of tensors. Others, such as fake or masked ones, redefine each operation."""


def is_recorded() -> bool:
    """Return whether torch records operations: for torch.compile, torch.export or torch.jit.trace."""
    return torch.compiler.is_compiling() or bool(tracing_state())


def is_eager(*tensors: Tensor) -> bool:
    """Return whether torch computes on dense tensors now.

    It does not under vmap or a dispatch mode, nor where operations are recorded.
    """
    if is_recorded():  # first: nothing below it can be compiled
        return False
    if vmap_level() is not None or dispatch_modes():
        return False
    return all(type(tensor) in PLAIN and tensor.layout is torch.strided and not tensor.is_nested for tensor in tensors)


def is_proxy(value: Any) -> bool:
    """Return whether a value is a proxy of a `torch.fx` trace, in place of a tensor."""
    return not isinstance(value, Tensor) and isinstance(value, torch.fx.Proxy)


def leaf_call(module: nn.Module, proxy: Any) -> Tensor:
    """Return the `torch.fx` record for a module of torch.nn: one call, whose mode may change later."""
    tracer = proxy.tracer
    recorded: Tensor = tracer.create_proxy("call_module", tracer.path_of_module(module), (proxy,), {})
    return recorded
