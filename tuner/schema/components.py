"""The classes that a section may name: those of its library, without those that the section's check refuses."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any

import optuna
import torch
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from torch import nn
from torch.optim import lr_scheduler
from torchvision import models as torchvision_models
from torchvision.transforms import v2

from tuner import data, models
from tuner.data.preprocessing import tokenizer, transforms
from tuner.data.sources import torchvision_dataset
from tuner.models import torchvision_model
from tuner.schema import from_signatures
from tuner.schema.fragments import Shape, described
from tuner.schema.from_signatures import Faults
from tuner.study import optuna_classes
from tuner.study.deprecated import DEPRECATED, Deprecation
from tuner.study.sampler_traits import own_classes
from tuner.training import losses, lr_schedulers, optimizers


@dataclass(frozen=True, slots=True)
class Part:
    """The classes of a section, or of one component of it.

    `classes` are its classes by name. `own` also takes user code. `holes` may stand in its arguments. `besides` are
    keys that it takes for any class. `deprecated` are arguments that a later release drops, by class.
    """

    classes: Mapping[str, Any]
    faults: Faults
    own: bool = False
    holes: bool = True
    besides: tuple[str, ...] = ()
    deprecated: Mapping[str, Mapping[str, Deprecation]] = field(default_factory=dict)

    def shapes(self) -> dict[str, Shape]:
        """Return the schema of each class, by its name."""
        return {name: self._shape(name, function) for name, function in sorted(self.classes.items())}

    def _shape(self, name: str, function: Any) -> Shape:
        shape = from_signatures.shape_of(name, function, self.faults, self.holes, self.besides)
        arguments = shape["properties"]
        for argument, deprecation in self.deprecated.get(name, {}).items():
            if argument in arguments:
                words = f"{deprecation.sentence} {arguments[argument].get('description', '')}".rstrip()
                arguments[argument] = described(arguments[argument], words, deprecated=True)
        return shape


def parts(ours: Iterable[str]) -> dict[str, Part]:
    """Return all parts by the names of their definitions.

    Args:
        ours: the keys of the `data` section that belong to no dataset.
    """
    return {
        "data": Part(_datasets(), partial(data.argument_faults, base="."), own=True, holes=False, besides=tuple(ours)),
        "transform": _part(_classes(v2, v2.Transform), transforms.argument_faults),
        "tokenizer": _part(_tokenizers(), tokenizer.argument_faults),
        "model": Part(_models(), partial(models.argument_faults, base="."), own=True),
        "loss": _part(_classes(nn, nn.modules.loss._Loss), losses.argument_faults),
        "optimizer": _part(_classes(torch.optim, torch.optim.Optimizer), optimizers.argument_faults),
        "scheduler": _part(_schedulers(), lr_schedulers.argument_faults),
        "stage": _part(_schedulers(), lr_schedulers.part_faults, besides=("epochs",)),
        "sampler": _part(
            _of_optuna(optuna.samplers, BaseSampler),
            _of_search("sampler"),
            own=True,
            holes=False,
            deprecated=DEPRECATED,
        ),
        "pruner": _part(_of_optuna(optuna.pruners, BasePruner), _of_search("pruner"), own=True, holes=False),
    }


def weights_of(name: str) -> list[str | None] | None:
    """Return the pretrained weights of a network of torchvision; None for any other model."""
    if name not in torchvision_model.names():
        return None
    members = torchvision_models.get_model_weights(name).__members__
    return [None, *(key for key in members if not list(torchvision_model.value_faults(name, {"weights": key})))]


def _part(classes: Mapping[str, Any], faults: Faults, **more: Any) -> Part:
    return Part({name: cls for name, cls in classes.items() if from_signatures.is_known(name, faults)}, faults, **more)


def _classes(module: ModuleType, kind: type) -> dict[str, Any]:
    found = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    classes = {name: value for name, value in found.items() if inspect.isclass(value) and issubclass(value, kind)}
    return {name: value for name, value in classes.items() if not inspect.isabstract(value)}


def _of_optuna(module: ModuleType, kind: type) -> dict[str, Any]:
    return {**_classes(module, kind), **own_classes(kind)}


def _schedulers() -> dict[str, Any]:
    return _classes(lr_scheduler, lr_scheduler.LRScheduler)


def _datasets() -> dict[str, Callable[..., Any]]:
    return {**{name: torchvision_dataset.loader(name) for name in torchvision_dataset.names()}, **data.SOURCES}


def _models() -> dict[str, Callable[..., Any]]:
    return {**{name: torchvision_model.constructor(name) for name in torchvision_model.names()}, **models.MODELS}


def _tokenizers() -> dict[str, Callable[..., Any]]:
    return dict.fromkeys(tokenizer.KINDS, tokenizer.tokenizer_of)


def _of_search(kind: str) -> Faults:
    return lambda component: optuna_classes.argument_faults({"type": component.type, **component.args}, kind)
