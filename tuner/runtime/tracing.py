"""Whether a layer is given plain numbers, or a tracer, a compiler or a transform of torch looks on.

A layer that computes in a way of its own leaves the second kind to torch's own layer.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tuner.torch_internals import dispatch_modes, tracing_state, vmap_level

PLAIN = (Tensor, nn.Parameter)
"""Other classes of tensors, such as fake or masked ones, give each operation a meaning of their own."""


def is_recorded() -> bool:
    """Return whether torch records operations: for torch.compile, torch.export or torch.jit.trace."""
    return torch.compiler.is_compiling() or bool(tracing_state())


def is_eager(*tensors: Tensor) -> bool:
    """Return whether torch computes on dense tensors at this moment.

    Under vmap or a dispatch mode, and where operations are recorded, it does not.
    """
    if is_recorded():  # first: nothing below it can be compiled
        return False
    if vmap_level() is not None or dispatch_modes():
        return False
    return all(type(tensor) in PLAIN and tensor.layout is torch.strided and not tensor.is_nested for tensor in tensors)


def is_proxy(value: Any) -> bool:
    """Return whether a layer is given what `torch.fx` traces with, in place of a tensor."""
    return not isinstance(value, Tensor) and isinstance(value, torch.fx.Proxy)


def leaf_call(module: nn.Module, proxy: Any) -> Tensor:
    """Return what `torch.fx` records for a module of torch.nn: one call, whose mode may change after the trace."""
    tracer = proxy.tracer
    recorded: Tensor = tracer.create_proxy("call_module", tracer.path_of_module(module), (proxy,), {})
    return recorded
