"""What rows betray before the first trial: copies across splits, classes without rows, images of one shade.

Each is one sentence with its counts, and nothing is said where there is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import psutil
import torch
from torch import Tensor

from tuner.data import memory, suspects
from tuner.data.rows import Inputs, Rows, Source, as_bytes, inputs_at
from tuner.data.stream import read_in_order
from tuner.errors import listing
from tuner.task import Task

Keys = npt.NDArray[np.uint64]

WIDE = 256
"""Rows of more bytes than this are hashed one by one, of fewer column by column."""

MASK = 0xFFFFFFFFFFFFFFFF

LAZY = 20_000
"""More rows than this that are not in memory are not read only to be compared."""

DIVERSE = 0.5
"""Rows repeat by nature when a smaller share is different with each column in another order, as with a few words."""

HARDLY_ANY = 0.01
"""A smaller share of rows held out is equal by chance, when with the columns in other orders about as many are."""

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
    compared = {} if keys is None else {name: _part(keys, pool, rows) for name, rows in parts.items()}
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
        compared[name] = Part(keys, rows.targets, lambda inputs=rows.inputs: inputs)  # type: ignore[misc]
    return tuple(_copies(compared, task))


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a split: `keys` are the same for equal inputs, which `inputs` gives."""

    keys: Keys
    targets: Tensor
    inputs: Callable[[], Inputs]


def _part(keys: Keys, pool: Rows, rows: Tensor) -> Part:
    return Part(keys[rows], pool.targets[rows], lambda: inputs_at(pool.inputs, rows))


def _copies(parts: Mapping[str, Part], task: Task) -> Iterator[str]:
    if not parts:
        return
    keys = {name: part.keys for name, part in parts.items()}
    counts = {name: count for name, count in _shared(keys).items() if count}
    sentences = []
    if counts:
        told = [f"{count} of {len(keys[name])} {name} rows" for name, count in counts.items()]
        sentences.append(f"data: copies of training rows flatter the score, leave them out: {listing(told)}")
    if task is Task.CLASSIFICATION:
        targets = torch.cat([part.targets for part in parts.values()]).numpy()
        sentences += _contradictions(np.concatenate([*keys.values()]), targets)
    if sentences and not _repeat_by_chance(parts, sum(counts.values())):
        yield from sentences


def _shared(keys: Mapping[str, Keys]) -> dict[str, int]:
    """How many rows of each split held out equal a training row."""
    return {name: int(np.isin(own, keys["training"]).sum()) for name, own in keys.items() if name != "training"}


def _repeat_by_chance(parts: Mapping[str, Part], count: int) -> bool:
    """Whether rows would be equal about as often if each column stood in an order of its own.

    Args:
        parts: the splits.
        count: rows held out that equal training rows.
    """
    chance, keys = np.random.default_rng(0), {}
    for name, part in parts.items():
        mixed = _mixed(part.inputs(), chance)
        if mixed is None:
            return False
        made = _keys(mixed)
        assert made is not None
        keys[name] = made
    if len(np.unique(keys["training"])) < DIVERSE * len(keys["training"]):
        return True
    held = sum(len(own) for name, own in keys.items() if name != "training")
    return 0 < count < HARDLY_ANY * held and count <= 2 * sum(_shared(keys).values())


def _mixed(inputs: Inputs, chance: np.random.Generator) -> Inputs | None:
    """Each column in an order of its own; None for what has no columns."""
    if isinstance(inputs, pd.DataFrame):
        columns = (inputs.iloc[:, i].to_numpy() for i in range(inputs.shape[1]))
        return pd.DataFrame({i: chance.permutation(column) for i, column in enumerate(columns)})
    if isinstance(inputs, Tensor) and inputs.dim() == 2:
        mixed = inputs.T.clone(memory_format=torch.contiguous_format)
        for column in mixed:
            column.copy_(column[torch.from_numpy(chance.permutation(len(column)))])
        return mixed.T.clone(memory_format=torch.contiguous_format)
    return None


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
        numbers = inputs.select_dtypes("number").astype(np.float64)  # 5 in one file is 5.0 in another
        return _hashed(inputs.assign(**{str(name): numbers[name] for name in numbers}).reset_index(drop=True))
    if isinstance(inputs, np.ndarray):
        return np.asarray(pd.util.hash_array(inputs, categorize=False), dtype=np.uint64)
    if isinstance(inputs, Tensor):
        return _tensor_keys(inputs)
    if len(inputs) > LAZY or memory.size(inputs) > memory.SHARE * psutil.virtual_memory().available:
        return None
    return np.concatenate([_tensor_keys(chunk) for chunk in read_in_order(inputs)])


def _tensor_keys(rows: Tensor) -> Keys:
    """By the bytes of numbers of any type."""
    flat = as_bytes(rows).reshape(len(rows), -1)
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
