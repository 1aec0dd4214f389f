"""Data from a user's function: `file.py:function` or `package.module:function`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tuner import signatures
from tuner.data.rows import Inputs, Rows, Source, inputs_at, read
from tuner.data.sources.images import Items, as_array, item_of
from tuner.data.sources.labels import MOST_CLASSES
from tuner.errors import BuildError, DataError, ends_the_run, in_words, listing
from tuner.goal import Task
from tuner.runtime import user_code

Part: TypeAlias = Dataset[Any] | tuple[Any, Any]
"""A map-style dataset of (input, target), or the tensors (inputs, targets)."""

KEYS = ("train", "valid", "test", "classes", "vocab_size")


def loader(name: str) -> Callable[..., Source]:
    """Return a function that calls the user's function and turns its result into a source.

    It takes the user's arguments and `base`. The user's function returns a part, or a mapping of `train` and optionally
    `valid`, `test`, `classes` (names) and `vocab_size`. Targets that are whole numbers are classes, counted from 0 with
    `classes`. Floats make a regression. Random transforms of a Dataset are drawn once; those that change per epoch
    belong into `data.transforms`. With `vocab_size`, inputs are token ids, whole numbers (N, L) with 0 for padding.
    """

    def load(*, base: str, **arguments: Any) -> Source:
        function = _function(name, base)
        try:
            given = function(**arguments)
        except BaseException as error:  # the user's code may raise anything
            if ends_the_run(error):
                raise
            raise DataError(f"data.type: {name} failed: {in_words(error)}") from error
        return _source(given if isinstance(given, Mapping) else {"train": given}, name)

    return load


def argument_faults(name: str, arguments: Mapping[str, Any], base: str) -> Any:
    """Return (argument, message) for each argument that the function would refuse.

    Raises:
        DataError: there is no such function.
    """
    return signatures.argument_faults(_function(name, base), arguments, title=name)


def _function(name: str, base: str) -> Callable[..., Any]:
    try:
        found: Callable[..., Any] = user_code.load(name, base, "data.type")
    except BuildError as error:
        raise DataError(error.message) from error
    if not callable(found):
        raise DataError(f"{name} is a {type(found).__name__}, not a function")
    return found


def _source(given: Mapping[str, Any], name: str) -> Source:
    unknown = sorted(str(key) for key in set(given) - set(KEYS))
    if unknown:
        raise DataError(f"data.type: {name} gives {listing(unknown)}, where it may give {listing(KEYS)}")
    if "train" not in given:
        raise DataError(f"data.type: {name} gives a mapping without train")
    train = _part(given["train"], name)
    valid, test = (None if given.get(key) is None else _part(given[key], name) for key in ("valid", "test"))
    pool = train if valid is None else _joined(train, valid, name)
    classification = not pool.targets.is_floating_point()
    names = given.get("classes")
    labels, classes = _classes(names, pool.targets, name) if classification else (pool.targets[:0], ())
    vocab_size = _vocab_size(given.get("vocab_size"), pool.inputs, name)

    def held() -> Rows:
        assert test is not None
        if test.targets.is_floating_point() == classification:
            raise DataError(
                f"data.type: {name} gives whole numbers and floats as targets: of classes or of a regression?"
            )
        _refuse_other_width(pool.targets, test.targets, name, "test")
        _vocab_size(vocab_size, test.inputs, name)
        return _indexed(test, labels, f"{name}: test") if classification else test

    return Source(
        task=Task.CLASSIFICATION if classification else Task.REGRESSION,
        classes=classes,
        pool=_indexed(pool, labels, name) if classification else pool,
        test=None if test is None else held,
        valid=None if valid is None else torch.arange(len(train), len(pool)),
        vocab_size=vocab_size,
        white=_white(pool.inputs),
        notes=_notes(pool.targets, labels, names is not None, name),
    )


def _part(part: Part, name: str) -> Rows:
    if isinstance(part, tuple | list) and len(part) == 2:
        inputs, targets = as_array(part[0]), as_array(part[1])
        if not inputs.dim() or not targets.dim() or len(inputs) != len(targets):
            shapes = f"{tuple(inputs.shape)} and {tuple(targets.shape)}"
            raise DataError(f"data.type: {name} gives inputs and targets of shapes {shapes}: they have a row each")
        if not bool(torch.isfinite(inputs).all()):
            raise DataError(f"data.type: {name} gives inputs that are NaN or infinite")
        return Rows(inputs if inputs.dim() > 1 else inputs.unsqueeze(1), _targets(targets, name))
    if hasattr(part, "__getitem__") and hasattr(part, "__len__") and not isinstance(part, str | Mapping):
        kept = [as_array(item_of(part, i)[1]) for i in range(len(part))]
        if len({target.shape for target in kept}) > 1:
            raise DataError(f"data.type: {name} gives targets of different shapes")
        targets = torch.stack(kept) if kept else torch.zeros(0)
        return Rows(Items(part, torch.arange(len(targets)), None), _targets(targets, name))
    raise DataError(
        f"data.type: {name} gives a {type(part).__name__}, not a map-style Dataset or a pair of inputs and targets"
    )


def _targets(targets: Tensor, name: str) -> Tensor:
    if not len(targets):
        raise DataError(f"data.type: {name} gives no rows")
    if targets.is_floating_point():
        targets = targets.double().reshape(len(targets), -1)
        if not bool(torch.isfinite(targets).all()):
            raise DataError(f"data.type: {name} gives targets that are NaN or infinite")
        return targets
    if targets.numel() != len(targets):
        raise DataError(f"data.type: {name} gives targets of shape {tuple(targets.shape)}, not one class per row")
    whole = targets.long().flatten()  # torch compares no unsigned ones; those beyond int64 turn negative
    if not targets.dtype.is_signed and int(whole.min()) < 0:
        raise DataError(f"data.type: {name} gives classes beyond int64")
    return whole


def _refuse_other_width(train: Tensor, other: Tensor, name: str, verb: str) -> None:
    if train.shape[1:] != other.shape[1:]:
        raise DataError(
            f"data.type: {name} gives {train.shape[1]} targets a row to train on and {other.shape[1]} to {verb} on"
        )


def _classes(names: Any, targets: Tensor, where: str) -> tuple[Tensor, tuple[str, ...]]:
    """Return the label of each class, int64 in order, and the names given, or the labels as names."""
    if names is None:
        known = sorted(set(targets.tolist()))
        if len(known) > max(MOST_CLASSES, len(targets) / 2):
            raise DataError(
                f"data.type: {where} gives {len(known)} different whole numbers as targets of {len(targets)} rows. "
                f"Whole numbers are classes; give floats for a regression"
            )
        return torch.tensor(known), tuple(map(str, known))
    if isinstance(names, str | Mapping) or not isinstance(names, Iterable):
        raise DataError(f"data.type: {where} gives {names!r} as classes, which is a list of names")
    given, least, most = tuple(map(str, names)), int(targets.min()), int(targets.max())
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise DataError(f"data.type: {where} gives two classes the name {twice}")
    if least < 0 or most >= len(given):
        wrong = least if least < 0 else most
        raise DataError(f"data.type: {where} gives class {wrong}, and only {len(given)} classes, counted from 0")
    return torch.arange(len(given)), given


def _indexed(rows: Rows, labels: Tensor, where: str) -> Rows:
    """Return the rows with the index of its class for each label."""
    found = torch.searchsorted(labels, rows.targets).clamp(max=len(labels) - 1)
    strange = rows.targets[labels[found] != rows.targets]
    if len(strange):
        known = listing(map(str, labels[:12].tolist()))
        raise DataError(f"data.type: {where} gives class {int(strange[0])}, which is not one of {known}")
    return replace(rows, targets=found)


def _notes(targets: Tensor, labels: Tensor, named: bool, name: str) -> tuple[str, ...]:
    """Return a note on how the targets were interpreted, if another meaning is possible."""
    if not targets.is_floating_point():
        if named or torch.equal(labels, torch.arange(len(labels))):
            return ()
        shown = listing(map(str, labels[:6].tolist())) + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")
        return (f"{name}: classes are {shown}: the model has one output for each, in this order",)
    width = targets.shape[1]
    if width > 1:
        one_hot = bool(((targets == 0) | (targets == 1)).all() and (targets.sum(1) == 1).all())
        classes = "; they look like one-hot classes: for those give the class of each row" if one_hot else ""
        constant = [str(i) for i, column in enumerate(targets.T) if bool((column == column[0]).all())]
        flat = f"; constant targets, whose r2 is 0 or 1: {listing(constant)}" if constant else ""
        return (
            f"{name}: regression on {width} targets at once, each standardised by itself for the loss. mse and mae "
            f"are means over all in their own units. rmse is the root of mse, r2 the mean over targets{classes}{flat}",
        )
    values = sorted(set(targets.ravel().tolist()))
    if len(values) > MOST_CLASSES or not all(value.is_integer() for value in values):
        return ()
    several = listing(f"{value:g}" for value in values[:3]) + (" and so on" if len(values) > 3 else "")
    return (f"{name}: targets are floats, {several}: taken for regression (for classes give whole numbers, as int64)",)


def _vocab_size(size: Any, inputs: Inputs, name: str) -> int | None:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int) or size < 2:
        raise DataError(f"data.type: {name} gives vocab_size {size}, which is a whole number of at least 2")
    if isinstance(inputs, Tensor):
        if inputs.is_floating_point() or inputs.dim() != 2:
            raise DataError(f"data.type: {name} gives vocab_size, but inputs that are no token ids (rows, length)")
        if int(inputs.min()) < 0 or int(inputs.max()) >= size:
            raise DataError(f"data.type: {name} gives token ids outside of 0 to {size - 1}, as vocab_size has it")
    return size


def _white(inputs: Inputs) -> float:
    """Return the value of white: 1 for floats, as torchvision's ToTensor makes them, else 255."""
    first = read(inputs_at(inputs, torch.arange(1)))
    return 1.0 if first.is_floating_point() else 255.0


def _joined(train: Rows, valid: Rows, name: str) -> Rows:
    """Return both parts as one, the validation rows last."""
    if train.targets.is_floating_point() != valid.targets.is_floating_point():
        raise DataError(f"data.type: {name} gives whole numbers and floats as targets: of classes or of a regression?")
    _refuse_other_width(train.targets, valid.targets, name, "validate")
    return Rows(_both(train.inputs, valid.inputs, name), torch.cat([train.targets, valid.targets]))


def _both(train: Inputs, valid: Inputs, name: str) -> Inputs:
    if isinstance(train, Items) and isinstance(valid, Items):
        return train.joined(valid)
    one, other = read(train), read(valid)
    if one.shape[1:] != other.shape[1:]:
        shapes = f"{tuple(one.shape[1:])} and {tuple(other.shape[1:])}"
        raise DataError(f"data.type: {name} gives inputs of shapes {shapes} to train and to validate on")
    return torch.cat([one, other])
