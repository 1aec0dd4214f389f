"""Losses by their names in torch.nn."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError, listing
from tuner.goal import Task
from tuner.torch_internals import LossBase
from tuner.training.link import Link

Function: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Maps (N, outputs) and the targets of a batch to a scalar, the mean over the batch."""

BY_INDEX = ("CrossEntropyLoss", "NLLLoss", "MultiMarginLoss")
BY_ONE_HOT = ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
BY_VALUE = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
FITTING = {Task.CLASSIFICATION: (*BY_INDEX, *BY_ONE_HOT), Task.REGRESSION: BY_VALUE}
"""The losses of torch.nn that compare one output with one target."""

USUAL = {Task.CLASSIFICATION: Component("CrossEntropyLoss"), Task.REGRESSION: Component("MSELoss")}


LINKS = {
    "CrossEntropyLoss": Link.SOFTMAX,
    "NLLLoss": Link.SOFTMAX,
    "BCEWithLogitsLoss": Link.SIGMOID,
    "MultiLabelSoftMarginLoss": Link.SIGMOID,
}
"""Losses whose expected value is lowest at the true class probabilities. Margins and distances have no such link."""

WEIGHTED = ("CrossEntropyLoss", "NLLLoss")
"""Losses whose mean over a batch is weighted by the class of each row."""


class Loss:
    """A loss that is a mean over a batch, and what it divides by.

    Args:
        mean: (N, outputs), targets -> a scalar.
        weights: float32 (classes,), how much a row of each class counts in the mean; None is all alike.
        link: how outputs that it trains become class probabilities.
    """

    def __init__(self, mean: Function, weights: Tensor | None, link: Link) -> None:
        self.link = link
        self._mean = mean
        self._weights = weights

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Map (N, outputs) and the targets of a batch to a scalar."""
        return self._mean(outputs, targets)

    def of_several(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Map (K, N, outputs) of K models, each with its own targets, to (K,)."""
        if isinstance(self._mean, nn.MultiMarginLoss):
            return _margins(self._mean, outputs.flatten(0, 1), targets.flatten()).view(targets.shape).mean(1)
        if not isinstance(self._mean, nn.CrossEntropyLoss):
            return vmap(self)(outputs, targets)
        losses = _cross_entropies(self._mean, outputs.flatten(0, 1), targets.flatten())
        return losses.view(targets.shape).sum(1) / (
            targets.shape[1] if self._weights is None else self._weights[targets].sum(1)
        )

    @property
    def smoothing(self) -> float:
        """The label smoothing; the loss is linear in it."""
        return float(getattr(self._mean, "label_smoothing", 0.0))

    def smoothed(self, smoothing: float) -> Loss:
        """Return the same loss with another label smoothing, if it has one."""
        mean = copy.copy(self._mean)
        if isinstance(mean, nn.CrossEntropyLoss):
            mean.label_smoothing = smoothing
        return Loss(mean, self._weights, self.link)

    def weight(self, targets: Tensor) -> Tensor | int:
        """Return the divisor of the mean over these rows: their number, or the sum of their weights.

        Means over several batches, each times its own weight, add up to the mean over all of them.
        """
        return len(targets) if self._weights is None else self._weights[targets].sum()


def _cross_entropies(loss: nn.CrossEntropyLoss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Map (N, classes), (N,) to (N,), as torch computes it.

    Over the first dimension the softmax of few classes takes an eighth of the time. Under vmap it takes still more.
    """
    logs = outputs.t().log_softmax(0).t()
    found = functional.nll_loss(logs, targets, loss.weight, reduction="none")
    if not loss.label_smoothing:
        return found
    over_all = -(logs if loss.weight is None else logs * loss.weight).mean(1)
    return (1 - loss.label_smoothing) * found + loss.label_smoothing * over_all


def _margins(loss: nn.MultiMarginLoss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Map (N, classes), (N,) to (N,), as torch computes it; under vmap torch goes row by row and warns."""
    return functional.multi_margin_loss(outputs, targets, loss.p, loss.margin, loss.weight, reduction="none")


def build(loss: Component | None, task: Task, device: torch.device, balance: Tensor | None = None) -> Loss:
    """Build the training loss; None is the task's default.

    Args:
        loss: a class of torch.nn and its arguments.
        task: decides which losses fit.
        device: of outputs and targets.
        balance: float32 (classes,), the weight of each class.

    Raises:
        BuildError: torch.nn has no such loss, it does not fit the task, or it refuses its arguments.
    """
    loss = loss or USUAL[task]
    cls = _class(loss.type)
    if loss.type not in FITTING[task]:
        raise BuildError("loss.type", f"{loss.type} does not fit {task.value}: use {listing(FITTING[task])}")
    if balance is not None and (loss.type not in WEIGHTED or "weight" in loss.args):
        raise BuildError(
            "training.class_weights", f"they need a loss of {listing(WEIGHTED)} without weights of its own"
        )
    given: dict[str, Any] = {**loss.args} if balance is None else {**loss.args, "weight": balance}
    try:
        arguments = {key: torch.tensor(value) if isinstance(value, list) else value for key, value in given.items()}
        module = cls(**arguments).to(device)
    except Exception as error:  # a constructor may raise anything for a bad argument
        raise BuildError("loss", f"{loss.type} refuses its arguments: {error}") from None
    return Loss(_mean(module, loss.type, task), _weights(module, loss.type), link_of(loss, task))


def link_of(loss: Component | None, task: Task) -> Link:
    """Return how outputs become class probabilities under a loss; None is the task's default loss."""
    return LINKS.get((loss or USUAL[task]).type, Link.NONE) if task is Task.CLASSIFICATION else Link.NONE


def _mean(module: nn.Module, name: str, task: Task) -> Function:
    if name == "NLLLoss":  # our models give logits; log_softmax leaves log-probabilities as they are
        return lambda outputs, targets: module(functional.log_softmax(outputs, 1), targets)
    if task is Task.CLASSIFICATION and name in BY_ONE_HOT:
        return lambda outputs, targets: module(outputs, functional.one_hot(targets, outputs.shape[1]).float())
    return module


def _weights(module: nn.Module, name: str) -> Tensor | None:
    """Return the class weights in the mean of a loss, if it has any."""
    weight = getattr(module, "weight", None)
    return weight if name in WEIGHTED and isinstance(weight, Tensor) else None


def balanced(targets: Tensor, classes: int) -> Tensor:
    """Return weights that make each class count equally: rows / (classes x rows of the class).

    Args:
        targets: int64 (N,), of the training split.
        classes: their number.

    Returns:
        float32 (classes,); 0 for a class without rows.
    """
    counts = torch.bincount(targets, minlength=classes).float()
    return torch.where(counts > 0, len(targets) / (classes * counts), torch.zeros_like(counts))


def argument_faults(loss: Component) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the class would refuse.

    Raises:
        BuildError: torch.nn has no such loss.
    """
    given = dict(loss.args)
    if given.get("reduction", "mean") != "mean":
        yield "reduction", "the loss is the mean over a batch: drop it"
    if "ignore_index" in given:
        yield "ignore_index", "every row counts here: drop it"
        del given["ignore_index"]
    if "class_weights" in given:
        yield "class_weights", "it stands in training: training.class_weights"
        del given["class_weights"]
    for name in given.keys() & {"reduce", "size_average"}:
        yield name, "torch has given it up, and the loss is the mean over a batch: drop it"
    yield from signatures.argument_faults(_class(loss.type), given)


def _class(name: str) -> type[nn.Module]:
    found: type[nn.Module] = signatures.named(nn, name, LossBase, "loss.type")
    return found
