"""Which trials can train as one program: those that differ in nothing but numbers that a lane may have for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tuner.config import Config
from tuner.data.memory import Resident
from tuner.fused.rules import RULES
from tuner.training import Run

MACHINERY = frozenset(vars(nn.Module())) | {"p", "inplace"}
"""The attributes that every module has, and those of a dropout."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Runs of one signature can share a program. `title` is what people call them."""

    title: str
    batch_size: int
    facts: str


def signature_of(run: Run, config: Config) -> Signature:
    """What must be the same of two runs: shapes, structure, batches, optimizer, loss, precision, data."""
    loss = config.loss
    facts = {
        "data": (repr(config.data.transforms), repr(config.data.tokenizer)),
        "modules": [_structure(name, module) for name, module in run.model.named_modules()],
        "parameters": [(*_shape(name, p), p.requires_grad) for name, p in run.model.named_parameters()],
        "buffers": [_shape(name, buffer) for name, buffer in run.model.named_buffers()],
        "optimizer": (config.optimizer.type, _flags(run)),
        "loss": None if loss is None else (loss.type, sorted(_without(loss.args, "label_smoothing").items(), key=str)),
        "training": (run.training.accumulate, run.training.precision, run.training.balanced),
        "average": run.training.ema is not None,
        "hooks": _has_hooks_on_gradients(run.model),
    }
    return Signature(f"{config.model.type}, batches of {run.batch_size}", run.batch_size, repr(facts))


def refusal(run: Run) -> str:
    """Why a run can share a program with no other; empty when nothing is known against it."""
    recurrent = next((type(m).__name__ for m in run.model.modules() if isinstance(m, nn.RNNBase)), None)
    if recurrent is not None:
        return f"torch.vmap does not take {recurrent}"
    if type(run.optimizer) not in RULES:
        return f"{type(run.optimizer).__name__} has no fused form"
    if not isinstance(run.dataset.train, Resident) or run.dataset.train.augmented:
        return "images are transformed one by one, or streamed"
    if run.scaler.is_enabled():
        return "fp16 scales the loss of each trial for itself"
    if run.average is not None:
        return "training.ema keeps a second model"
    if any(isinstance(m, _BatchNorm) and m.running_mean is None for m in run.model.modules()):
        return "batch norm without statistics scores a row by those beside it"
    if _has_hooks_on_gradients(run.model):
        return "hooks on gradients would see those of several trials"
    return ""


def _has_hooks_on_gradients(model: nn.Module) -> bool:
    kinds = ("_backward_hooks", "_backward_pre_hooks", "_post_accumulate_grad_hooks")
    parts = (*model.modules(), *model.parameters())
    return any(getattr(part, kind, None) for part in parts for kind in kinds)


def _structure(name: str, module: nn.Module) -> tuple[str, ...]:
    """A module's class and its plain attributes; what has no text of its own is like nothing else."""
    attributes = {key: value for key, value in vars(module).items() if key not in MACHINERY}
    return name, f"{type(module).__module__}.{type(module).__qualname__}", _text(attributes)


def _text(value: Any) -> str:
    """The text of a value; a tensor has none that tells two apart."""
    if isinstance(value, torch.Tensor):
        return f"tensor {id(value)}"
    if isinstance(value, dict):
        return str(sorted((str(key), _text(each)) for key, each in value.items()))
    if isinstance(value, list | tuple):
        return str([_text(each) for each in value])
    return repr(value)


def _shape(name: str, tensor: torch.Tensor) -> tuple[Any, ...]:
    return name, tuple(tensor.shape), tensor.dtype


def _flags(run: Run) -> tuple[Any, ...]:
    rule = RULES.get(type(run.optimizer))
    return () if rule is None else tuple(run.optimizer.param_groups[0][flag] for flag in rule.flags)


def _without(arguments: Any, name: str) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key != name}
