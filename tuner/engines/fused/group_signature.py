"""Signatures: trials can train as one program if they differ only in numbers that each lane has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from tuner.config import Config
from tuner.data.in_memory import Resident
from tuner.engines.fused import dropout_masks
from tuner.engines.fused.inspection.contents import Contents, attributes_of
from tuner.engines.fused.optimizer_rules import RULES
from tuner.torch_internals import BatchNormBase, has_gradient_hooks
from tuner.training import Replicates, Run


@dataclass(frozen=True, slots=True)
class Signature:
    """Trials of one signature can share a program, in which each has `replicates` lanes.

    `title` is its name in messages, `held` the model's state.
    """

    title: str
    batch_size: int
    replicates: int
    facts: str
    shapes: tuple[tuple[str, torch.Size], ...] = field(compare=False, repr=False)
    held: Contents = field(compare=False, repr=False)

    def difference(self, other: Signature) -> str:
        """Return the differences of two models with the same weights, as a message lists them; else empty."""
        return self.held.changed(other.held) if self.shapes == other.shapes else ""


def signature_of(replicates: Replicates, config: Config) -> Signature:
    """Return what two trials must share: shapes, structure, batches, optimizer, loss, precision, data."""
    run = replicates.first
    loss, held = config.loss, attributes_of(run.model, _of_lanes(run.model))
    shapes = tuple((name, p.shape) for name, p in run.model.named_parameters())
    facts = {
        "data": (repr(config.data.transforms), repr(config.data.tokenizer)),
        "model": held.digest,
        "optimizer": (config.optimizer.type, _flags(run)),
        "loss": None if loss is None else (loss.type, sorted(_without(loss.args, "label_smoothing").items(), key=str)),
        "training": (run.training.accumulate, run.training.precision, run.training.balanced),
        "average": run.training.ema is not None,
        "hooks": _has_hooks_on_gradients(run.model),
    }
    title, count = f"{config.model.type}, batches of {run.batch_size}", len(replicates.runs)
    return Signature(title, run.batch_size, count, repr(facts), shapes, held)


def refusal(replicates: Replicates, signature: Signature) -> str:
    """Return why a trial of a signature can share a program with no other; empty if no reason is known."""
    run = replicates.first
    recurrent = next((type(m).__name__ for m in run.model.modules() if isinstance(m, nn.RNNBase)), None)
    if recurrent is not None:
        return f"torch.vmap does not take {recurrent}"
    if type(run.optimizer) not in RULES:
        return f"{type(run.optimizer).__name__} has no fused form"
    if not isinstance(run.dataset.train, Resident) or run.dataset.train.augmented:
        return "images are transformed one by one, or streamed"
    if any(whole_of(other) is not whole_of(run) for other in replicates):
        return "the prepared rows of its folds are of different sizes"
    if run.training.balanced and len({id(other.dataset) for other in replicates}) > 1:
        return "each fold weighs its classes by its own rows"
    if run.scaler.is_enabled():
        return "fp16 scales the loss of each trial for itself"
    if run.average is not None:
        return "training.ema keeps a second model"
    if any(isinstance(m, BatchNormBase) and m.running_mean is None for m in run.model.modules()):
        return "batch norm without statistics scores a row by those beside it"
    if other := next((name for name, p in run.model.named_parameters() if p.dtype is not torch.float32), None):
        return f"{other} is not of float32, as the numbers of lanes are"
    if _has_hooks_on_gradients(run.model):
        return "hooks on gradients would see those of several trials"
    if signature.held.unseen:
        return f"{signature.held.unseen} cannot be looked into, and so it is not known which models are alike"
    return ""


def whole_of(run: Run) -> Resident | None:
    """Return the rows of all folds, which have those of a run; None if they are not in memory."""
    return run.dataset.train.whole if isinstance(run.dataset.train, Resident) else None


def _has_hooks_on_gradients(model: nn.Module) -> bool:
    return any(map(has_gradient_hooks, model.modules())) or any(map(has_gradient_hooks, model.parameters()))


def _of_lanes(model: nn.Module) -> frozenset[tuple[int, str]]:
    """Return the attributes that each lane has for itself: the rates of dropouts."""
    return frozenset((id(module), "p") for module in model.modules() if dropout_masks.is_dropout(module))


def _flags(run: Run) -> tuple[Any, ...]:
    rule = RULES.get(type(run.optimizer))
    return () if rule is None else tuple(run.optimizer.param_groups[0][flag] for flag in rule.flags)


def _without(arguments: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key != name}
