"""Optimizers by their names in torch.optim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from tuner import own
from tuner.config import Component
from tuner.errors import BuildError


def build(optimizer: Component, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Make an optimizer over `parameters`.

    Raises:
        BuildError: torch.optim has no such class, or it refuses its arguments.
    """
    cls = _class(optimizer.type)
    try:
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in optimizer.args.items()}
        built: torch.optim.Optimizer = cls(list(parameters), **arguments)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError("optimizer", f"{optimizer.type} refuses its arguments: {error}") from None
    return built


def argument_faults(optimizer: Component) -> Iterator[tuple[str, str]]:
    """(argument, message) of what the class would refuse.

    Raises:
        BuildError: torch.optim has no such class.
    """
    yield from own.argument_faults(_class(optimizer.type), optimizer.args, ours=("params",))


def _class(name: str) -> type[torch.optim.Optimizer]:
    found: type[torch.optim.Optimizer] = own.named(torch.optim, name, torch.optim.Optimizer, "optimizer.type")
    return found
