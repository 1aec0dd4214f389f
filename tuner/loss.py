"""Losses by their names in torch.nn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.loss import _Loss

from tuner import own
from tuner.config import Component, Task
from tuner.errors import BuildError, listing

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(N, outputs) and the split's targets -> a scalar, the mean over the batch."""

BY_INDEX = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
BY_ONE_HOT = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
BY_VALUE = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "PoissonNLLLoss")
FITTING = {Task.CLASSIFICATION: (*BY_INDEX, *BY_ONE_HOT), Task.REGRESSION: BY_VALUE}
"""The losses of torch.nn that compare one output with one target."""

USUAL = {Task.CLASSIFICATION: Component("CrossEntropyLoss"), Task.REGRESSION: Component("MSELoss")}


def build(loss: Component | None, task: Task, device: torch.device) -> Loss:
    """Make the loss that trains; None is the task's usual one.

    Raises:
        BuildError: torch.nn has no such loss, it does not fit the task, or it refuses its arguments.
    """
    loss = loss or USUAL[task]
    cls = _class(loss.type)
    if loss.type not in FITTING[task]:
        raise BuildError("loss.type", f"{loss.type} does not fit {task.value}: use {listing(FITTING[task])}")
    try:
        arguments = {key: torch.tensor(v) if isinstance(v, list) else v for key, v in loss.args.items()}
        module = cls(**arguments).to(device)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError("loss", f"{loss.type} refuses its arguments: {error}") from None
    if loss.type == "NLLLoss":  # our models give logits; log_softmax leaves log-probabilities as they are
        return lambda outputs, targets: module(functional.log_softmax(outputs, 1), targets)
    if task is Task.CLASSIFICATION and loss.type in BY_ONE_HOT:
        return lambda outputs, targets: module(outputs, functional.one_hot(targets, outputs.shape[1]).float())
    return module


def plain(task: Task) -> Loss:
    """The task's own loss, neither smoothed nor weighted, by which trials are compared."""
    return functional.cross_entropy if task is Task.CLASSIFICATION else functional.mse_loss


def argument_faults(loss: Component) -> Iterator[tuple[str, str]]:
    """(argument, message) of what the class would refuse.

    Raises:
        BuildError: torch.nn has no such loss.
    """
    given = dict(loss.args)
    if given.get("reduction", "mean") != "mean":
        yield "reduction", "the loss is the mean over a batch: drop it"
    for name in given.keys() & {"reduce", "size_average"}:
        yield name, "torch has given it up, and the loss is the mean over a batch: drop it"
    yield from own.argument_faults(_class(loss.type), given)


def _class(name: str) -> type[nn.Module]:
    found: type[nn.Module] = own.named(nn, name, _Loss, "loss.type")
    return found
