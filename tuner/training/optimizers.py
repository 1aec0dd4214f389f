"""Optimizers by their names in torch.optim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import nn

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError

Group: TypeAlias = Mapping[str, Any]
"""A parameter group of a torch optimizer: its current settings."""

FUSED = ("Adam", "AdamW", "SGD")
"""Classes with one kernel for all parameters, also on a CPU. It saves a quarter of a small model's time."""


def build(optimizer: Component, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Make an optimizer over the trainable ones of `parameters`.

    Raises:
        BuildError: torch.optim has no such class, it refuses its arguments, or nothing is left to train.
    """
    cls = _class(optimizer.type)
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    if not trained:
        raise BuildError("model", "it has no parameter to train: leave at least one that requires a gradient")
    try:
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in optimizer.args.items()}
        built: torch.optim.Optimizer = cls(trained, **_implementation(optimizer, trained), **arguments)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError("optimizer", f"{optimizer.type} refuses its arguments: {error}") from None
    return built


def _implementation(optimizer: Component, trained: list[nn.Parameter]) -> dict[str, Any]:
    """Return options for the fastest equivalent implementation, unless the config chooses one."""
    choices = {"foreach", "fused", "differentiable", "capturable"}
    fits = optimizer.type in FUSED and all(map(is_plain, trained))
    return {"fused": True} if fits and not choices & set(optimizer.args) else {}


def is_plain(parameter: torch.Tensor) -> bool:
    """Return whether one kernel for all parameters takes it, in the memory order of each."""
    return parameter.is_floating_point() and torch.empty_like(parameter).stride() == parameter.stride()


def argument_faults(optimizer: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the class would refuse.

    Raises:
        BuildError: torch.optim has no such class.
    """
    yield from signatures.argument_faults(_class(optimizer.type), optimizer.args, ours=("params",))


def _class(name: str) -> type[torch.optim.Optimizer]:
    found: type[torch.optim.Optimizer] = signatures.named(torch.optim, name, torch.optim.Optimizer, "optimizer.type")
    return found


def sgd_state(group: Group) -> list[str]:
    """Return the state tensors of SGD for each parameter."""
    return ["momentum_buffer"] if group["momentum"] else []


def adam_state(group: Group) -> list[str]:
    """Return the state tensors of Adam and AdamW for each parameter, without the step count."""
    return ["exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])]


def rmsprop_state(group: Group) -> list[str]:
    """Return the state tensors of RMSprop for each parameter, without the step count."""
    momentum = ["momentum_buffer"] if group["momentum"] > 0 else []
    return ["square_avg", *momentum, *(["grad_avg"] if group["centered"] else [])]
