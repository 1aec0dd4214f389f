"""Data: from the `data` section to tensors in memory, in three splits that never mix.

The test rows are set apart first and stay out of tuning; validation rows never train; what is fitted
(the mean and the spread) is fitted on the training rows alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tuner import own
from tuner.config import Component, Data, On
from tuner.data import digits, vision
from tuner.data.split import hold_out
from tuner.data.tensors import Dataset, Scale, Source, Split
from tuner.errors import DataError, did_you_mean, listing

__all__ = ["Dataset", "Scale", "Split", "argument_faults", "for_final", "for_search"]

TEST = 0.2
"""The share of rows that becomes the test split of a dataset without one."""

SOURCES: Mapping[str, Callable[..., Source]] = {"digits": digits.load}


def for_search(data: Data, base: str, seed: int) -> Dataset:
    """Load what tuning may see: the training and the validation split, scaled by the training split.

    Args:
        data: the resolved section.
        base: the folder that relative paths start from.
        seed: the study's; it alone decides which row is in which split.

    Raises:
        DataError: the data are not there, or too few to be split.
    """
    source = _source(data.source, base)
    pool, _ = _pool_and_test(source, data, seed)
    train, valid = hold_out(pool, data.valid, source, seed, "valid")
    scale = Scale.fit(train.inputs)
    return Dataset(source.task, source.classes, scale, scale.split(train), scale.split(valid), None)


def for_final(data: Data, base: str, seed: int, on: On) -> Dataset:
    """Load what final training may see: the rows of `on`, and the test split for the last word.

    With `On.TRAIN` the training and validation rows are those of the search, bit for bit; with
    `On.ALL` there is no validation split.

    Raises:
        DataError: the data are not there, or too few to be split.
    """
    source = _source(data.source, base)
    pool, test = _pool_and_test(source, data, seed)
    if on is On.ALL:
        scale = Scale.fit(pool.inputs)
        return Dataset(source.task, source.classes, scale, scale.split(pool), None, scale.split(test()))
    train, valid = hold_out(pool, data.valid, source, seed, "valid")
    scale = Scale.fit(train.inputs)
    return Dataset(source.task, source.classes, scale, scale.split(train), scale.split(valid), scale.split(test()))


def argument_faults(source: Component) -> Iterator[tuple[str, str]]:
    """(argument, message) of what the dataset class would refuse.

    Raises:
        DataError: there is no such dataset.
    """
    yield from own.argument_faults(_loader(source.type), source.args, ours=("base",), title=source.type)


def _pool_and_test(source: Source, data: Data, seed: int) -> tuple[Split, Callable[[], Split]]:
    """The rows that tuning may see, and a way to the others; a dataset's own test split is not even read."""
    if data.test is None and source.test is not None:
        return source.pool, source.test
    pool, test = hold_out(source.pool, TEST if data.test is None else data.test, source, seed, "test")
    return pool, lambda: test


def _source(component: Component, base: str) -> Source:
    arguments: dict[str, Any] = dict(component.args)
    return _loader(component.type)(**arguments, base=base)


def _loader(name: str) -> Callable[..., Source]:
    if name in SOURCES:
        return SOURCES[name]
    known = vision.names()
    if name in known:
        return vision.loader(name)
    hint = did_you_mean(name, [*SOURCES, *known])
    raise DataError(f"there is no dataset {name}{hint}: it is {listing(SOURCES)} or a class of torchvision.datasets")
