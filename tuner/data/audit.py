"""What rows betray before the first trial: copies across splits, classes without rows, images of one shade.

Each is one sentence with its counts, and nothing is said where there is nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil
import torch
from torch import Tensor

from tuner.data import memory, suspects
from tuner.data.rows import Inputs, Rows, Source
from tuner.data.stream import read_in_order
from tuner.errors import listing
from tuner.task import Task

Keys = npt.NDArray[np.uint64]

WIDE = 256
"""Rows of more bytes than this are hashed one by one, of fewer column by column."""

MASK = 0xFFFFFFFFFFFFFFFF

LAZY = 20_000
"""More rows than this that are not in memory are not read only to be compared."""

NAMED = 3
"""Classes named in one sentence at most."""


def notes(source: Source, train: Tensor, valid: Tensor, test: Tensor | None) -> tuple[str, ...]:
    """What is to be said of the rows of a search.

    Args:
        source: with its rows.
        train: int64, the rows of the pool to train on.
        valid: int64, those to validate on.
        test: int64, those to test on, where they are of the pool; only counts of copies are taken from them.
    """
    pool = source.pool
    keys = _keys(pool.inputs)
    parts = {"training": train, "validation": valid} | ({} if test is None else {"test": test})
    compared = {} if keys is None else {name: Part(keys[rows], pool.targets[rows]) for name, rows in parts.items()}
    return (
        *_copies(compared, source.task),
        *_classes(source, pool.targets[train], pool.targets[valid]),
        *_shades(pool.inputs),
        *suspects.notes(source, torch.cat([train, valid]).sort().values, train),
    )


def copies(parts: Mapping[str, Rows], task: Task) -> tuple[str, ...]:
    """Rows held out that equal training rows, and equal rows of different classes.

    Args:
        parts: the splits by their names, `training` first.
        task: rows of one class each may contradict each other.
    """
    compared = {}
    for name, rows in parts.items():
        keys = _keys(rows.inputs)
        if keys is None:
            return ()
        compared[name] = Part(keys, rows.targets)
    return tuple(_copies(compared, task))


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a split: `keys` are the same for equal inputs."""

    keys: Keys
    targets: Tensor


def _copies(parts: Mapping[str, Part], task: Task) -> Iterator[str]:
    told = []
    for name, part in parts.items():
        count = 0 if name == "training" else int(np.isin(part.keys, parts["training"].keys).sum())
        told += [f"{count} of {len(part.keys)} {name} rows"] if count else []
    if told:
        yield f"data: copies of training rows flatter the score, leave them out: {listing(told)}"
    if parts and task is Task.CLASSIFICATION:
        keys = np.concatenate([part.keys for part in parts.values()])
        yield from _contradictions(keys, torch.cat([part.targets for part in parts.values()]).numpy())


def _contradictions(keys: Keys, targets: npt.NDArray[np.int64]) -> Iterator[str]:
    table = pd.DataFrame({"key": keys, "target": targets})
    repeated = table[table["key"].duplicated(keep=False)]
    classes = repeated.groupby("key")["target"].nunique()
    rows = int(repeated["key"].isin(classes[classes > 1].index).sum())
    if rows:
        yield f"data: {rows} of {len(keys)} rows have the inputs of a row of another class: no model is right in both"


def _keys(inputs: Inputs) -> Keys | None:
    """A number for each row, the same for equal rows; None where rows would have to be read for it."""
    if isinstance(inputs, pd.DataFrame):
        return _hashed(inputs.reset_index(drop=True))
    if isinstance(inputs, np.ndarray):
        return np.asarray(pd.util.hash_array(inputs, categorize=False), dtype=np.uint64)
    if isinstance(inputs, Tensor):
        return _tensor_keys(inputs)
    if len(inputs) > LAZY or memory.size(inputs) > memory.SHARE * psutil.virtual_memory().available:
        return None
    return np.concatenate([_tensor_keys(chunk) for chunk in read_in_order(inputs)])


def _tensor_keys(rows: Tensor) -> Keys:
    """By the bytes of numbers of any type."""
    flat = rows.reshape(len(rows), -1).contiguous().view(torch.uint8).numpy()
    if flat.shape[1] > WIDE:
        return np.fromiter((hash(row.tobytes()) & MASK for row in flat), dtype=np.uint64, count=len(flat))
    padded = np.zeros((len(flat), -(-flat.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : flat.shape[1]] = flat
    return _hashed(pd.DataFrame(padded.view(np.uint64)))


def _hashed(table: pd.DataFrame) -> Keys:
    return np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)


def _classes(source: Source, train: Tensor, valid: Tensor) -> Iterator[str]:
    if source.task is not Task.CLASSIFICATION:
        return
    trained, validated = (torch.bincount(part, minlength=len(source.classes)) for part in (train, valid))
    for absent, split in ((trained == 0, "training"), ((trained > 0) & (validated == 0), "validation")):
        names = [source.classes[i] for i in absent.nonzero().ravel().tolist()]
        if names:
            others = f" and {len(names) - NAMED} others" if len(names) > NAMED else ""
            count = f"{len(names)} of {len(source.classes)} classes have"
            yield f"data: {count} no {split} row: {', '.join(names[:NAMED])}{others}"
    yield from suspects.alike("classes", dict(zip(source.classes, trained.tolist(), strict=True)))


def _shades(inputs: Inputs) -> Iterator[str]:
    """Images whose pixels are all the same."""
    if not isinstance(inputs, Tensor) or inputs.dim() != 4 or inputs[0, 0].numel() == 1:
        return
    parts = torch.split(inputs, _at_once(inputs))
    blank = sum(int((part == part[..., :1, :1]).flatten(1).all(1).sum()) for part in parts)
    if blank:
        yield f"data: {blank} of {len(inputs)} images are of one shade throughout"


def _at_once(inputs: Tensor) -> int:
    """How many rows are compared at once."""
    return max(1, 2**24 // inputs[0].numel())
