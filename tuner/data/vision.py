"""Any torchvision classification dataset, by the name of its class, as tensors in memory."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets
from torchvision.transforms.v2.functional import pil_to_tensor

from tuner import own
from tuner.config import Task
from tuner.data.tensors import Source, Split
from tuner.errors import DataError

OURS = ("train", "transform", "target_transform", "transforms", "loader")
"""Arguments of dataset classes that are not the config's to give."""


NO_TEST_LABELS = ("ImageNet", "Imagenette")
"""Classes whose test labels are not public, or that have none: their `val` is the last word."""


def names() -> list[str]:
    """The dataset classes of torchvision."""
    return [name for name in datasets.__all__ if inspect.isclass(getattr(datasets, name))]


def loader(name: str) -> Callable[..., Source]:
    """A function that loads the dataset `name`; it takes the class's arguments and `base`."""
    cls = getattr(datasets, name)

    def load(*, base: str, **arguments: Any) -> Source:
        arguments = {**arguments, **_root(arguments, base)}
        train, test = _splits(cls, arguments)
        pool, classes = _read(cls, train)
        return Source(Task.CLASSIFICATION, classes, pool, None if test is None else lambda: _read(cls, test)[0])

    own = [p for p in _parameters(cls) if p.name not in OURS]
    signature = [p.replace(kind=p.KEYWORD_ONLY) for p in own if p.kind is not p.VAR_KEYWORD]
    base = inspect.Parameter("base", inspect.Parameter.KEYWORD_ONLY)
    load.__signature__ = inspect.Signature([*signature, base])  # type: ignore[attr-defined]
    return load


def _parameters(cls: type) -> list[inspect.Parameter]:
    """The constructor's parameters; a class that only passes on `**kwargs` has its base's as well."""
    own = list(inspect.signature(cls).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in own):
        seen = {p.name for p in own}
        inherited = [p for p in inspect.signature(cls.__mro__[1]).parameters.values() if p.name not in seen]
        return [p for p in own if p.kind is not p.VAR_KEYWORD] + inherited
    return own


def _root(arguments: dict[str, Any], base: str) -> dict[str, str]:
    root = arguments.get("root")
    if root is not None and not isinstance(root, str):
        raise DataError(f"data.root: takes the path of a folder, not {root}")
    return {} if root is None else {"root": str(Path(base, root))}


def _splits(cls: type, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The arguments that give the training part and, where the class has one, its test part."""
    parameters = {p.name: p for p in _parameters(cls)}
    if "train" in parameters:
        return {**arguments, "train": True}, {**arguments, "train": False}
    split = parameters.get("split")
    if split is not None and "split" not in arguments and split.default in ("train", "trainval"):
        held_out = "val" if cls.__name__ in NO_TEST_LABELS else "test"
        return {**arguments, "split": split.default}, {**arguments, "split": held_out}
    return arguments, None


def _read(cls: type, arguments: dict[str, Any]) -> tuple[Split, tuple[str, ...]]:
    try:
        dataset = cls(**arguments)
    except (RuntimeError, FileNotFoundError, OSError) as error:
        can_fetch = "download" in own.parameters_of(cls) and not arguments.get("download")
        hint = "; `data.download: true` fetches it where the network allows" if can_fetch else ""
        raise DataError(f"data: {cls.__name__} cannot be read from {arguments.get('root')}: {error}{hint}") from None
    except Exception as error:  # a dataset may raise anything for a bad argument
        raise DataError(f"data: {cls.__name__} refuses its arguments: {type(error).__name__}: {error}") from None
    images, targets = _tensors(dataset)
    classes = tuple(str(name) for name in getattr(dataset, "classes", sorted(set(targets.tolist()))))
    return Split(images, targets), classes


def _tensors(dataset: Any) -> tuple[Tensor, Tensor]:
    """uint8 (N, C, H, W) and int64 (N,), read in one piece where the class keeps its images as an array."""
    images = getattr(dataset, "data", None)
    labels = getattr(dataset, "targets", getattr(dataset, "labels", None))
    if isinstance(images, np.ndarray | Tensor) and labels is not None:
        return _channels_first(torch.as_tensor(images)), torch.as_tensor(np.asarray(labels)).long()
    return _one_by_one(dataset)


def _channels_first(images: Tensor) -> Tensor:
    if images.dim() == 3:
        return images.unsqueeze(1)
    return images if images.shape[1] in (1, 3) else images.permute(0, 3, 1, 2).contiguous()


def _one_by_one(dataset: Any) -> tuple[Tensor, Tensor]:
    images, targets = [], []
    for image, target in dataset:
        if not isinstance(target, int | np.integer):
            raise DataError(
                f"data: {type(dataset).__name__} has {type(target).__name__} targets, not one class per image"
            )
        images.append(pil_to_tensor(image))
        targets.append(int(target))
    sizes = {tuple(image.shape) for image in images}
    if len(sizes) != 1:
        raise DataError(f"data: {type(dataset).__name__} has images of {len(sizes)} different shapes; they must be one")
    return torch.stack(images), torch.tensor(targets)
