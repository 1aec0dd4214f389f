"""Torchvision's classification models by the names of their constructors, sized by the data.

The first convolution takes the data's channels, and the last layer returns the task's outputs, with or without
pretrained weights. All else is torchvision's own, its arguments included.
"""

from __future__ import annotations

import functools
import inspect
import pickle
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import nn
from torchvision import models

from tuner import signatures
from tuner.errors import BuildError, did_you_mean, listing
from tuner.models.adapt import (
    FrozenBackbone,
    dropouts_beside,
    first_convolution,
    last_layer,
    resize_inputs,
    resize_outputs,
)
from tuner.models.arguments import image_shape

OURS = ("progress", "aux_logits")
"""Arguments of the constructors that the config must not set: auxiliary outputs are no plain tensor."""

POPPED = ("dropout", "image_size", "input_size")
"""Arguments that some classes require and whose constructors have a default."""


@functools.cache
def names() -> tuple[str, ...]:
    """Return the constructors of classification models."""
    return tuple(models.list_models(module=models))


@functools.cache
def constructor(name: str) -> Callable[..., nn.Module]:
    """Return a function that builds the model `name`.

    Its signature is that of the torchvision class and `freeze`. Further keywords are `input_shape` (channels, height,
    width), `num_classes` and these:
        weights: a name such as `DEFAULT` or `IMAGENET1K_V1`, or null for a random start.
        freeze: `backbone`, so that only replaced layers train, or null.
        fetch: False makes the same network without reading its weights, which are about to be loaded.

    The function raises BuildError for other values, for weights that cannot be had and for data that are not images.
    """

    def build(*, input_shape: tuple[int, ...], num_classes: int, **arguments: Any) -> nn.Module:
        return _build(name, image_shape(input_shape, name), num_classes, **arguments)

    keywords = {"input_shape": inspect.Parameter.empty, "num_classes": inspect.Parameter.empty, **_arguments(name)}
    parameters = [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=keywords[key]) for key in keywords]
    # `inspect` reads it from any function
    build.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return build


def value_faults(name: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each wrong value of `weights` and `freeze`, or of a choice of them."""
    checks: dict[str, Callable[[Any], Any]] = {"weights": lambda value: _weights(name, value), "freeze": _check_freeze}
    for argument in sorted(checks.keys() & arguments.keys()):
        given = arguments[argument]
        for value in given.get("choice", []) if isinstance(given, dict) else [given]:
            try:
                checks[argument](value)
            except BuildError as error:
                yield argument, error.message


def _arguments(name: str) -> dict[str, Any]:
    """Return the config's arguments with their defaults, which the constructor itself does not list."""
    cls = get_type_hints(models.get_model_builder(name))["return"]
    ours = {"num_classes", *OURS}
    defaults = {key: p.default for key, p in signatures.parameters_of(cls).items() if key not in ours}
    optional = {key: default for key, default in defaults.items() if default is not inspect.Parameter.empty}
    popped = {key: None for key in POPPED if key in defaults}
    return {"weights": None, "freeze": None, **popped, **optional}


def _build(
    name: str,
    shape: tuple[int, int, int],
    outputs: int,
    *,
    weights: str | None = None,
    freeze: str | None = None,
    fetch: bool = True,
    **arguments: Any,
) -> nn.Module:
    _check_freeze(freeze)
    pretrained = _weights(name, weights)
    if pretrained is None:
        net = models.get_model(name, num_classes=outputs, **{**_filled(name, shape), **arguments})
    else:
        net = _pretrained(name, pretrained, arguments) if fetch else _unread(name, pretrained, arguments)
        resize_outputs(last_layer(net), outputs)
    if isinstance(net, models.SqueezeNet):
        net.classifier[2] = nn.Identity()  # a ReLU behind the last layer: a regression must reach below 0
    return _finished(net, name, shape[0], pretrained is not None, freeze)


def _finished(net: nn.Module, name: str, channels: int, pretrained: bool, freeze: str | None) -> nn.Module:
    """Return a network with a right last layer, a first layer for `channels`, and a frozen backbone if asked for."""
    head, first = last_layer(net), first_convolution(net)
    trained = [head, *dropouts_beside(head, net)]
    if channels != first.in_channels:
        if getattr(net, "transform_input", False):
            advice = "make the data's images RGB, or set weights to null"
            raise BuildError("model.weights", f"{name} with weights takes 3 channels, not {channels}: {advice}")
        resize_inputs(first, channels, pretrained)
        trained.append(first)
    return net if freeze is None else FrozenBackbone(net, trained).train()


def _check_freeze(freeze: Any) -> None:
    if freeze not in (None, "backbone"):
        raise BuildError("model.freeze", f"freeze is backbone or null, not {freeze}")


def _weights(name: str, chosen: Any) -> Any:
    """Return the member of the model's weights enum, or None for null."""
    if chosen is None:
        return None
    members = models.get_model_weights(name).__members__
    known = [key for key, weights in members.items() if weights.meta["categories"]]  # else they have no classifier
    if chosen not in known:
        hint = did_you_mean(str(chosen), known)
        raise BuildError("model.weights", f"{name} has no weights {chosen}{hint}: it has {listing(known)}, or null")
    return members[chosen]


def _filled(name: str, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Return the further arguments of a model without pretrained weights."""
    cls = get_type_hints(models.get_model_builder(name))["return"]
    _, height, width = shape
    filled = {"image_size": height, "input_size": (height, width), "aux_logits": False, "init_weights": True}
    takes = signatures.parameters_of(cls)
    if "image_size" in takes and height != width:
        raise BuildError("model.type", f"{name} takes square images, and the data have {height}x{width}")
    return {key: value for key, value in filled.items() if key in takes}


def _pretrained(name: str, weights: Any, arguments: dict[str, Any]) -> nn.Module:
    file, folder = Path(weights.url).name, Path(torch.hub.get_dir(), "checkpoints")
    try:
        net: nn.Module = models.get_model(name, weights=weights, progress=False, **arguments)
    except OSError as error:
        raise BuildError(
            "model.weights", f"{file} cannot be fetched ({error}): put it into {folder}, or set weights to null"
        ) from error
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        cause = str(error).partition("\n")[0] or type(error).__name__
        advice = "drop the arguments that change its layers, or delete a damaged file"
        raise BuildError("model.weights", f"{folder / file} does not load into {name} ({cause}): {advice}") from error
    if getattr(net, "aux_logits", False):  # Inception's weights come with them
        net.aux_logits, net.AuxLogits = False, None  # type: ignore[assignment]  # its stub omits None
    return net


def _unread(name: str, weights: Any, arguments: dict[str, Any]) -> nn.Module:
    """Return the network of `_pretrained` before its weights were loaded."""
    takes = signatures.parameters_of(get_type_hints(models.get_model_builder(name))["return"])
    implied = {"transform_input": True, "aux_logits": False, "init_weights": False}
    known = {key: value for key, value in implied.items() if key in takes}
    net: nn.Module = models.get_model(name, num_classes=len(weights.meta["categories"]), **{**known, **arguments})
    return net
