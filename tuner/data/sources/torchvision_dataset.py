"""Any torchvision classification dataset, by the name of its class, as tensors in memory."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from tuner import signatures
from tuner.data.rows import Rows, Source
from tuner.data.sources import labels
from tuner.data.sources.images import Items, Size, as_array, item_of, resized
from tuner.errors import DataError
from tuner.goal import Task

OURS = ("train", "transform", "target_transform", "transforms", "loader")
"""Arguments of dataset classes that the config must not set."""


NO_TEST_LABELS = ("ImageNet", "Imagenette")
"""Classes without public test labels. Their `val` split is the test split."""


def names() -> list[str]:
    """Return the dataset classes of torchvision."""
    return [name for name in datasets.__all__ if inspect.isclass(getattr(datasets, name))]


@functools.cache
def loader(name: str) -> Callable[..., Source]:
    """Return a function that loads the dataset `name`; it takes the class's arguments and `base`."""
    cls = getattr(datasets, name)

    def load(*, base: str, image_size: Size = None, **arguments: Any) -> Source:
        arguments = {**arguments, **_root(arguments, base)}
        train, test = _splits(cls, arguments)
        pool, classes = _read(cls, train, image_size)
        own_test = None if test is None else lambda: _read(cls, test, image_size)[0]
        return Source(Task.CLASSIFICATION, classes, pool, own_test)

    theirs = [p for p in _parameters(cls) if p.name not in (*OURS, "image_size")]
    signature = [p.replace(kind=p.KEYWORD_ONLY) for p in theirs]
    base = inspect.Parameter("base", inspect.Parameter.KEYWORD_ONLY)
    size = inspect.Parameter("image_size", inspect.Parameter.KEYWORD_ONLY, default=None)
    # `inspect` reads it from any function
    load.__signature__ = inspect.Signature([*signature, base, size])  # type: ignore[attr-defined]
    return load


def _parameters(cls: type) -> list[inspect.Parameter]:
    """Return the constructor's parameters, with the base's if the class passes on `**kwargs`."""
    theirs = list(inspect.signature(cls).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in theirs):
        seen = {p.name for p in theirs}
        theirs += [p for p in inspect.signature(cls.__mro__[1]).parameters.values() if p.name not in seen]
    return [p for p in theirs if p.kind is not p.VAR_KEYWORD]


def _root(arguments: dict[str, Any], base: str) -> dict[str, str]:
    root = arguments.get("root")
    if root is not None and not isinstance(root, str):
        raise DataError(f"data.root: takes the path of a folder, not {root}")
    return {} if root is None else {"root": str(Path(base, root))}


def _splits(cls: type, arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the arguments for the training part and, if the class has one, for its test part."""
    parameters = {p.name: p for p in _parameters(cls)}
    if "train" in parameters:
        return {**arguments, "train": True}, {**arguments, "train": False}
    split = parameters.get("split")
    if split is not None and "split" not in arguments and split.default in ("train", "trainval"):
        held_out = "val" if cls.__name__ in NO_TEST_LABELS else "test"
        return {**arguments, "split": split.default}, {**arguments, "split": held_out}
    return arguments, None


def _read(cls: type, arguments: dict[str, Any], size: Size) -> tuple[Rows, tuple[str, ...]]:
    try:
        dataset = cls(**arguments)
    except (RuntimeError, OSError) as error:
        can_fetch = "download" in signatures.parameters_of(cls) and not arguments.get("download")
        hint = "; `data.download: true` fetches it where the network allows" if can_fetch else ""
        raise DataError(f"data: {cls.__name__} cannot be read from {arguments.get('root')}: {error}{hint}") from None
    except Exception as error:  # a dataset may raise anything for a bad argument
        raise DataError(f"data: {cls.__name__} refuses its arguments: {type(error).__name__}: {error}") from None
    rows = _rows(dataset, size)
    classes = tuple(str(name) for name in getattr(dataset, "classes", sorted(set(rows.targets.tolist()))))
    return rows, classes


def _rows(dataset: Any, size: Size) -> Rows:
    """Return images as one array if the class has one, else images that are read on demand."""
    images, targets = getattr(dataset, "data", None), _targets(dataset)
    if isinstance(images, np.ndarray | Tensor):
        return Rows(resized(_channels_first(as_array(images)), size), targets)
    return Rows(Items(dataset, torch.arange(len(targets)), size), targets)


def _targets(dataset: Any) -> Tensor:
    """Return int64 (N,), without opening images if the class knows the targets."""
    known = (getattr(dataset, name, None) for name in ("targets", "labels", "_labels"))
    values = next((found for found in known if found is not None), None)
    if values is None:
        values = [item_of(dataset, i)[1] for i in range(len(dataset))]
    if len(values) and not isinstance(values[0], int | np.integer | Tensor):
        kind = type(values[0]).__name__
        raise DataError(f"data: {type(dataset).__name__} has {kind} targets, not one class per image")
    return labels.indices(values)


def _channels_first(images: Tensor) -> Tensor:
    if images.dim() == 3:
        return images.unsqueeze(1)
    return images if images.shape[1] in (1, 3) else images.permute(0, 3, 1, 2).contiguous()
