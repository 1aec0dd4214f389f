"""Data from a function of one's own: `file.py:function` or `package.module:function`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from tuner import own
from tuner.data.pictures import Items, as_array
from tuner.data.rows import Rows, Source
from tuner.errors import BuildError, DataError, listing
from tuner.task import Task

Part: TypeAlias = Dataset[Any] | tuple[Any, Any]
"""A map-style dataset of (input, target), or the tensors (inputs, targets)."""

KEYS = ("train", "valid", "test", "classes", "vocab_size")


def loader(name: str) -> Callable[..., Source]:
    """A function with the arguments of the user's, and `base`; what it gives becomes a source.

    The user's function gives a part, or a mapping of `train` and, where it has them, `valid`, `test`,
    `classes` (names) and `vocab_size`. Targets that are whole numbers are classes, counted from 0;
    floats are regressed on. With `vocab_size`, inputs are token ids, whole numbers (N, L) with 0 for padding.
    """

    def load(*, base: str, **arguments: Any) -> Source:
        function = _function(name, base)
        try:
            given = function(**arguments)
        except Exception as error:  # the user's code may raise anything
            raise DataError(f"data.type: {name} raised {type(error).__name__}: {error}") from error
        return _source(given if isinstance(given, Mapping) else {"train": given}, name)

    return load


def argument_faults(name: str, arguments: Mapping[str, Any], base: str) -> Any:
    """(argument, message) of what the function would refuse.

    Raises:
        DataError: there is no such function.
    """
    return own.argument_faults(_function(name, base), arguments, title=name)


def _function(name: str, base: str) -> Callable[..., Any]:
    try:
        found: Callable[..., Any] = own.load(name, base, "data.type")
    except BuildError as error:
        raise DataError(error.message) from error
    if not callable(found):
        raise DataError(f"{name} is a {type(found).__name__}, not a function")
    return found


def _source(given: Mapping[str, Any], name: str) -> Source:
    unknown = sorted(set(given) - set(KEYS))
    if unknown or "train" not in given:
        raise DataError(f"data.type: {name} gives a mapping with {listing(KEYS)}, of which train is needed")
    train, valid, test = given["train"], given.get("valid"), given.get("test")
    pool = _rows(train if valid is None else _joined(train, valid), name)
    held = 0 if valid is None else len(_rows(valid, name))
    classification = not pool.targets.is_floating_point()
    classes = given.get("classes") or range(int(pool.targets.max()) + 1)
    return Source(
        task=Task.CLASSIFICATION if classification else Task.REGRESSION,
        classes=tuple(str(label) for label in classes) if classification else (),
        pool=pool,
        test=None if test is None else lambda: _rows(test, name),
        valid=torch.arange(len(pool) - held, len(pool)) if held else None,
        vocab_size=given.get("vocab_size"),
    )


def _rows(part: Part, name: str) -> Rows:
    if isinstance(part, tuple | list) and len(part) == 2:
        inputs, targets = as_array(part[0]), as_array(part[1])
        if len(inputs) != len(targets):
            raise DataError(f"data.type: {name} gives {len(inputs)} inputs and {len(targets)} targets")
        return Rows(inputs if inputs.dim() > 1 else inputs.unsqueeze(1), _targets(targets))
    if hasattr(part, "__getitem__") and hasattr(part, "__len__"):
        targets = torch.stack([as_array(part[i][1]) for i in range(len(part))])
        return Rows(Items(part, torch.arange(len(targets)), None), _targets(targets))
    raise DataError(
        f"data.type: {name} gives a {type(part).__name__}, not a map-style Dataset or a pair of inputs and targets"
    )


def _targets(targets: Tensor) -> Tensor:
    return targets.float().reshape(len(targets), -1) if targets.is_floating_point() else targets.long().flatten()


def _joined(train: Part, valid: Part) -> Part:
    """Both parts as one, the rows to validate on behind the others."""
    if isinstance(train, tuple | list) and isinstance(valid, tuple | list):
        inputs, targets = (torch.cat([as_array(train[i]), as_array(valid[i])]) for i in range(2))
        return inputs, targets
    return ConcatDataset([train, valid])  # type: ignore[list-item]  # anything with items will do
