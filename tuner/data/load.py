"""Data: from the `data` section to raw rows in three splits, and to tensors.

The test rows are set apart first and stay out of tuning. Validation rows never train. Mean and spread, categories and
tokenizers are fitted on the training rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tuner import signatures
from tuner.config import Component, Data, Loader, On
from tuner.data import audit, in_memory
from tuner.data.dataset import Splits
from tuner.data.folds import folds_of
from tuner.data.preprocessing.targets import refuse_lost
from tuner.data.rows import Rows, Source
from tuner.data.sources import bundled, image_folder, synthetic, table, text, torchvision_dataset, user_function
from tuner.data.split import hold_out, note_of, without
from tuner.errors import DataError, did_you_mean, listing
from tuner.goal import Task
from tuner.runtime import user_code
from tuner.runtime.generators import seed_everything
from tuner.runtime.seeds import derive

TEST = 0.2
"""The share of rows that becomes the test split of a dataset without one."""


SOURCES: Mapping[str, Callable[..., Source]] = {
    "digits": bundled.load,
    "csv": table.csv,
    "text": text.load,
    "ImageFolder": image_folder.load,
    "synthetic_regression": synthetic.load,
    **{name: table.bundled(name) for name in table.BUNDLED},
}
"""The datasets by their names in a config. A new one is a new function and a line here."""


def for_search(data: Data, base: str, seed: int, draw: int | None = None) -> Splits:
    """Load the training and the validation split, which are all that tuning may see.

    Args:
        data: the resolved section.
        base: the folder that relative paths start from.
        seed: the study's; it alone decides which row is in which split.
        draw: a seed for a new draw of the two splits from their rows; the test rows stay the same.

    Raises:
        DataError: the data are not there, too few to be split, or say themselves what validates.
    """
    source, loader = _source(data, base, seed)
    tuned, held = _set_apart(source, data, seed)
    if draw is not None and source.valid is not None:
        raise DataError("data.type: it says itself which rows validate, so they cannot be drawn anew")
    parts = _parts(source, data, tuned, seed if draw is None else draw)
    train, valid = parts[0]
    if draw is None:
        source = _noting_groups(source, data, train, valid, held)
    targets = source.pool.targets
    for trained, validated in parts:
        others = {"validation": validated} if held is None else {"validation": validated, "test": held}
        _refuse_unlearnable(source, targets[trained], {name: targets[rows] for name, rows in others.items()})
    if draw is None:
        source = source.noting(*audit.notes(source, train, valid, held))
    (first, scored), *further = [(source.pool.at(one), source.pool.at(other)) for one, other in parts]
    return Splits(source.emptied(), first, scored, None, loader, len(train), tuple(further))


def for_final(data: Data, base: str, seed: int, on: On, test: bool = True) -> Splits:
    """Load what final training may see: the rows of `on`, and the test split.

    With `On.TRAIN` the training and validation rows are exactly those of the search. With `On.ALL` there is no
    validation split. Without `test` a file or split of its own is not opened.

    Raises:
        DataError: the data are not there, or too few to be split.
    """
    source, loader = _source(data, base, seed)
    train, valid, held = _row_numbers(source, data, seed)
    if not test:
        return _without_test(source, loader, train, valid, on)
    test_rows = source.pool.at(held) if held is not None else _own_test(source, loader)
    if on is On.ALL:
        everything = source.pool.at(torch.cat([train, valid]).sort().values)
        _refuse_unlearnable(source, everything.targets, {"test": test_rows.targets})
        source = source.noting(*audit.copies({"training": everything, "test": test_rows}, source.task))
        return Splits(source.emptied(), everything, None, test_rows, loader, len(train))
    targets = source.pool.targets
    _refuse_unlearnable(source, targets[train], {"validation": targets[valid], "test": test_rows.targets})
    trained, validated = source.pool.at(train), source.pool.at(valid)
    split = {"training": trained, "validation": validated, "test": test_rows}
    source = source.noting(*audit.copies(split, source.task))
    return Splits(source.emptied(), trained, validated, test_rows, loader, len(train))


def _without_test(source: Source, loader: Loader, train: Tensor, valid: Tensor, on: On) -> Splits:
    if on is On.ALL:
        everything = source.pool.at(torch.cat([train, valid]).sort().values)
        _refuse_unlearnable(source, everything.targets, {})
        return Splits(source.emptied(), everything, None, None, loader, len(train))
    trained, validated = source.pool.at(train), source.pool.at(valid)
    _refuse_unlearnable(source, trained.targets, {"validation": validated.targets})
    source = source.noting(*audit.copies({"training": trained, "validation": validated}, source.task))
    return Splits(source.emptied(), trained, validated, None, loader, len(train))


def argument_faults(source: Component, base: str) -> Iterator[tuple[str, str]]:
    """Yield (argument, message) for each argument that the dataset would refuse.

    Raises:
        DataError: there is no such dataset.
    """
    if user_code.is_own(source.type):
        if "base" in source.args:
            yield "base", "tuner uses base for the folder of a space: rename the function's argument"
        else:
            yield from user_function.argument_faults(source.type, source.args, base)
    else:
        yield from signatures.argument_faults(_loader(source.type), source.args, ours=("base",), title=source.type)


def _source(data: Data, base: str, seed: int) -> tuple[Source, Loader]:
    arguments: dict[str, Any] = dict(data.source.args)
    held = next((name for name in ("test_path", "test_root") if arguments.get(name) is not None), None)
    if held is not None and data.test is not None:
        raise DataError(f"data.test: data.{held} is the test split already; drop one of the two")
    seed_everything(derive(seed, "data"))  # a function of one's own may draw its rows
    source = _loader(data.source.type)(**arguments, base=base)
    if not len(source.pool):
        raise DataError(f"data: {data.source.type} has no rows")
    if source.test is not None and data.test is not None:
        source = source.noting(f"data.test: {data.test} of the rows are the test split, and not the dataset's own")
    loader, note = in_memory.where(source.pool.inputs, data.loader, 1 if data.folds is None else data.folds.count)
    source = source.noting(note)
    if loader is Loader.MEMORY:
        source = replace(source, pool=in_memory.resident(source.pool))
    return source, loader


def _row_numbers(source: Source, data: Data, seed: int) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the training and validation rows, of the first fold if there are folds, and the test rows.

    The last are None for a test split of the dataset's own.
    """
    tuned, test = _set_apart(source, data, seed)
    train, valid = _parts(source, data, tuned, seed)[0]
    return train, valid, test


def _set_apart(source: Source, data: Data, seed: int) -> tuple[Tensor, Tensor | None]:
    """Return the rows to tune on, but for validation rows of the dataset's own, and the test rows."""
    tuned = without(torch.arange(len(source.pool)), source.valid)
    if data.test is None and source.test is not None:
        return tuned, None
    return hold_out(source.pool, tuned, TEST if data.test is None else data.test, source.task, seed, "test")


def _parts(source: Source, data: Data, tuned: Tensor, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Return the training and validation rows: of each fold, or of the one split."""
    if source.valid is not None:
        if data.folds is not None:
            raise DataError("data.folds: the dataset says itself which rows validate: drop folds")
        return [(tuned, source.valid)]
    if data.folds is not None:
        return folds_of(source.pool, tuned, data.folds, source.task, seed)
    assert data.valid is not None, "without folds there is a validation split"
    return [hold_out(source.pool, tuned, data.valid, source.task, seed, "valid")]


def _noting_groups(source: Source, data: Data, train: Tensor, valid: Tensor, test: Tensor | None) -> Source:
    """Return the source with a note for each split whose size whole groups changed."""
    groups = source.pool.groups
    if groups is None:
        return source
    if test is not None:
        part = TEST if data.test is None else data.test
        among = len(source.pool) - (0 if source.valid is None else len(source.valid))
        source = source.noting(note_of(groups[test], part, among, "test"))
    if source.valid is None and data.valid is not None:
        source = source.noting(note_of(groups[valid], data.valid, len(train) + len(valid), "valid"))
    return source


def _own_test(source: Source, loader: Loader) -> Rows:
    assert source.test is not None
    return in_memory.resident(source.test()) if loader is Loader.MEMORY else source.test()


def _refuse_unlearnable(source: Source, train: Tensor, others: Mapping[str, Tensor]) -> None:
    """Raise if the training rows lack a class of another split, have one class only, or lose their numbers."""
    if source.task is Task.REGRESSION:
        refuse_lost(train, others)
        return
    known = set(train.tolist())
    if len(known) < 2:
        raise DataError("data: the rows to train on are of one class only: there is nothing to learn")
    for name, targets in others.items():
        unseen = sorted(set(targets.tolist()) - known)
        if unseen:
            labels = listing(source.classes[i] for i in unseen[:3])
            raise DataError(f"data: class {labels} is not among the rows to train on, only in the {name} split")


def _loader(name: str) -> Callable[..., Source]:
    if user_code.is_own(name):
        return user_function.loader(name)
    if name in SOURCES:
        return SOURCES[name]
    known = torchvision_dataset.names()
    if name in known:
        return torchvision_dataset.loader(name)
    hint = did_you_mean(name, [*SOURCES, *known])
    kinds = f"{', '.join(SOURCES)}, a class of torchvision.datasets, or file.py:function"
    raise DataError(f"there is no dataset {name}{hint}: it is {kinds}")
