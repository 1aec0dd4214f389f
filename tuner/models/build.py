"""Models: from the `model` section to an nn.Module whose inputs and outputs are sized by the data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from tuner import signatures
from tuner.config import Component
from tuner.errors import BuildError, did_you_mean, ends_the_run, in_words, listing
from tuner.models import torchvision_model
from tuner.models.cnn import CNN
from tuner.models.embedding_bag import Bag
from tuner.models.linear import Linear
from tuner.models.mlp import MLP
from tuner.models.rnn import RNN
from tuner.runtime import user_code

MODELS: Mapping[str, Callable[..., nn.Module]] = {"Linear": Linear, "MLP": MLP, "CNN": CNN, "RNN": RNN, "Bag": Bag}
"""The built-in models by their names in a config. A new one is a new file and a line here."""


VOCABULARY = ("vocab_size", "num_embeddings")
"""Names that constructors use for the number of token ids."""


def sizes(input_shape: tuple[int, ...], outputs: int, vocab_size: int | None = None) -> dict[str, Any]:
    """Return the sizes that the data decide, under every name that model constructors use for them."""
    return {
        **({} if vocab_size is None else dict.fromkeys(VOCABULARY, vocab_size)),
        "input_shape": input_shape,
        "in_channels": input_shape[0],
        "in_features": torch.Size(input_shape).numel(),
        "out_features": outputs,
        "num_classes": outputs,
    }


def build(
    model: Component,
    input_shape: tuple[int, ...],
    outputs: int,
    base: str,
    vocab_size: int | None = None,
    fetch: bool = True,
) -> nn.Module:
    """Build a model; torch's global generator draws weights that are not pretrained.

    Args:
        model: a built-in's name, a constructor of torchvision.models, or `file.py:Class` or `package.module:Class`,
            with keyword arguments. The data fill in `input_shape`, `in_channels`, `in_features`, `out_features`,
            `num_classes`, `vocab_size` and `num_embeddings`, if the constructor takes them and the config leaves them
            out.
        input_shape: of one input, without the batch.
        outputs: how many numbers the model gives for one input.
        base: the folder that own code is looked up from.
        vocab_size: how many token ids there are, padding (0) included, where the data are text.
        fetch: whether to read pretrained weights; not for a model whose own are about to be loaded.

    Raises:
        BuildError: no such model, arguments that it refuses, or data that it cannot take.
    """
    constructor = _constructor(model.type, base)
    takes = signatures.parameters_of(constructor)
    _check_text(model, takes, vocab_size)
    filled = {name: size for name, size in sizes(input_shape, outputs, vocab_size).items() if name in takes}
    if not fetch and model.type in torchvision_model.names():
        filled["fetch"] = False
    try:
        module = constructor(**{**filled, **model.args})
    except BuildError:
        raise
    except BaseException as error:  # a constructor may raise anything for a bad argument
        if ends_the_run(error):
            raise
        raise BuildError("model", f"{model.type} cannot be built: {in_words(error)}") from error
    if not isinstance(module, nn.Module):
        raise BuildError("model", f"{model.type} gives a {type(module).__name__}, not a torch.nn.Module")
    _materialise(module, model.type, input_shape, vocab_size)
    return (
        module if user_code.is_own(model.type) else module.to(memory_format=torch.channels_last)
    )  # a `view` may mind it


def _materialise(model: nn.Module, name: str, input_shape: tuple[int, ...], vocab_size: int | None) -> None:
    """Set the sizes of lazy layers by a batch of zeros, since optimizers and files need the parameters.

    Raises:
        BuildError: the model cannot take such a batch, or leaves a layer out that it does not use.
    """
    if not any(map(_is_lazy, [*model.parameters(), *model.buffers()])):
        return
    training = model.training
    model.eval()  # or batch statistics would begin with those of zeros
    try:
        with torch.no_grad():
            model(torch.zeros(2, *input_shape, dtype=torch.float32 if vocab_size is None else torch.int64))
    except BaseException as error:  # a forward may raise anything for a shape it cannot take
        if ends_the_run(error):
            raise
        raise BuildError("model", f"{name} cannot take inputs of shape {input_shape}: {in_words(error)}") from error
    model.train(training)
    tensors = [*model.named_parameters(), *model.named_buffers()]
    left = [tensor for tensor, value in tensors if _is_lazy(value)]
    if left:
        raise BuildError("model", f"{name} has a lazy layer that its forward does not use: {listing(left[:3])}")


def _is_lazy(tensor: torch.Tensor) -> bool:
    found: bool = torch.nn.parameter.is_lazy(tensor)
    return found


def check_fit(model: nn.Module, name: str, inputs: torch.Tensor, outputs: int) -> None:
    """Pass one batch through a model and check the outputs.

    Args:
        model: left as it was found, batch statistics included.
        name: what messages call it.
        inputs: float32 (N, ...), or int64 (N, L) of text, on the model's device.
        outputs: how many numbers the model must give for one input.

    Raises:
        BuildError: the model cannot take the batch, or gives another shape than (N, outputs).
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            given = model(inputs)
    except BaseException as error:  # a forward may raise anything for a shape it cannot take
        if ends_the_run(error):
            raise
        shape = tuple(inputs.shape[1:])
        raise BuildError("model", f"{name} cannot take inputs of shape {shape}: {in_words(error)}") from error
    finally:
        model.train(training)
    wanted = (len(inputs), outputs)
    if not isinstance(given, torch.Tensor) or tuple(given.shape) != wanted:
        shown = tuple(given.shape) if isinstance(given, torch.Tensor) else type(given).__name__
        raise BuildError("model", f"{name} gives {shown} for a batch of {len(inputs)}, where the data need {wanted}")


def argument_faults(model: Component, base: str) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the constructor would refuse; sizes may be left out.

    Raises:
        BuildError: no such model.
    """
    constructor = _constructor(model.type, base)
    filled = set(sizes((1,), 1, 1)) - set(model.args)
    if model.type in torchvision_model.names():
        filled.update(torchvision_model.OURS)
        yield from torchvision_model.value_faults(model.type, model.args)
    yield from signatures.argument_faults(constructor, model.args, ours=filled, title=model.type)


def count_parameters(model: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _constructor(name: str, base: str) -> Callable[..., Any]:
    if user_code.is_own(name):
        found: Callable[..., Any] = user_code.load(name, base, "model.type")
        if not callable(found):
            raise BuildError("model.type", f"{name} is a {type(found).__name__}, not a class of torch.nn.Module")
        return found
    if name in MODELS:
        return MODELS[name]
    if name in torchvision_model.names():
        return torchvision_model.constructor(name)
    hint = did_you_mean(name, [*MODELS, *torchvision_model.names()])
    known = f"it is {listing(MODELS)}, a constructor of torchvision.models, or file.py:Class"
    raise BuildError("model.type", f"there is no model {name}{hint}: {known}")


def _check_text(model: Component, takes: Mapping[str, inspect.Parameter], vocab_size: int | None) -> None:
    """Raise for text without an embedding, or an embedding without text; user classes decide themselves."""
    if vocab_size is not None:
        if not user_code.is_own(model.type) and "vocab_size" not in takes:
            message = f"{model.type} takes numbers, and text needs a model with an embedding, such as RNN"
            raise BuildError("model.type", message)
        return
    for name in VOCABULARY:
        if name in takes and takes[name].default is inspect.Parameter.empty and name not in model.args:
            raise BuildError("model.type", f"{model.type} needs text, for its {name}, and the data are numbers")
