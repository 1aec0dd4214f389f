"""A module as the graphs that torch makes of modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn


def turned(module: nn.Module, inputs: Tensor, way: str) -> Any:
    """The module scripted, traced or traced symbolically."""
    ways: Mapping[str, Callable[[], Any]] = {
        "script": lambda: torch.jit.script(module),
        # torch leaves it untyped
        "trace": lambda: torch.jit.trace(module, inputs, check_trace=False),  # type: ignore[no-untyped-call]
        "fx": lambda: fx.symbolic_trace(module),
    }
    return ways[way]()
