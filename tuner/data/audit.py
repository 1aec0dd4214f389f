"""Faults of the rows that show before the first trial: copies across splits, missing classes, blank images.

Each fault is one sentence with its counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from tuner.data import suspect_columns
from tuner.data.repeated_rows import Part, are_natural, shared, with_near
from tuner.data.row_keys import Keys, keys_of
from tuner.data.rows import Inputs, Rows, Source, inputs_at
from tuner.errors import counted, listing
from tuner.goal import Task

NAMED = 3
"""Classes named in one sentence at most."""


def notes(source: Source, train: Tensor, valid: Tensor, test: Tensor | None) -> tuple[str, ...]:
    """Return the findings about the rows of a search.

    Args:
        source: with its rows.
        train: int64, the rows of the pool to train on.
        valid: int64, those to validate on.
        test: int64, those to test on, where they are of the pool; only counts of copies are taken from them.
    """
    pool = source.pool
    keys = keys_of(pool.inputs)
    parts = {"training": train, "validation": valid} | ({} if test is None else {"test": test})
    compared = {} if keys is None else {name: _part(keys, pool, rows) for name, rows in parts.items()}
    return (
        *_copies(compared, source.task),
        *_classes(source, pool.targets[train], pool.targets[valid]),
        *_shades(pool.inputs),
        *suspect_columns.notes(source, torch.cat([train, valid]).sort().values, train),
    )


def copies(parts: Mapping[str, Rows], task: Task) -> tuple[str, ...]:
    """Return notes on held-out rows that equal training rows, and on equal rows of different classes.

    Args:
        parts: the splits by their names, `training` first.
        task: rows of one class each may contradict each other.
    """
    compared = {}
    for name, rows in parts.items():
        keys = keys_of(rows.inputs)
        if keys is None:
            return ()
        # mypy infers no default of a lambda
        compared[name] = Part(keys, rows.targets, lambda inputs=rows.inputs: inputs)  # type: ignore[misc]
    return tuple(_copies(compared, task))


def _part(keys: Keys, pool: Rows, rows: Tensor) -> Part:
    return Part(keys[rows.numpy()], pool.targets[rows], lambda: inputs_at(pool.inputs, rows))


def _copies(parts: Mapping[str, Part], task: Task) -> Iterator[str]:
    if not parts:
        return
    parts = with_near(parts)
    keys = {name: part.keys for name, part in parts.items()}
    counts = {name: count for name, count in shared(keys).items() if count}
    sentences = []
    if counts:
        told = [f"{count} of {len(keys[name])} {name} rows" for name, count in counts.items()]
        sentences.append(f"data: copies of training rows flatter the score, leave them out: {listing(told)}")
    if task is Task.CLASSIFICATION:
        targets = torch.cat([part.targets for part in parts.values()]).numpy()
        sentences += _contradictions(np.concatenate([*keys.values()]), targets)
    if sentences and not are_natural(parts, sum(counts.values())):
        yield from sentences


def _contradictions(keys: Keys, targets: npt.NDArray[np.int64]) -> Iterator[str]:
    table = pd.DataFrame({"key": keys, "target": targets})
    repeated = table[table["key"].duplicated(keep=False)]
    classes = repeated.groupby("key")["target"].nunique()
    rows = int(repeated["key"].isin(classes[classes > 1].index).sum())
    if rows:
        yield f"data: {rows} of {len(keys)} rows have the inputs of a row of another class: no model is right in both"


def _classes(source: Source, train: Tensor, valid: Tensor) -> Iterator[str]:
    if source.task is not Task.CLASSIFICATION:
        return
    trained, validated = (torch.bincount(part, minlength=len(source.classes)) for part in (train, valid))
    for absent, split in ((trained == 0, "training"), ((trained > 0) & (validated == 0), "validation")):
        names = [source.classes[i] for i in absent.nonzero().ravel().tolist()]
        if names:
            others = f" and {counted(len(names) - NAMED, 'other')}" if len(names) > NAMED else ""
            count = f"{len(names)} of {len(source.classes)} classes {'has' if len(names) == 1 else 'have'}"
            yield f"data: {count} no {split} row: {', '.join(names[:NAMED])}{others}"
    yield from suspect_columns.alike("classes", dict(zip(source.classes, trained.tolist(), strict=True)))


def _shades(inputs: Inputs) -> Iterator[str]:
    """Yield a note on images whose pixels are all the same."""
    if not isinstance(inputs, Tensor) or inputs.dim() != 4 or inputs[0, 0].numel() == 1:
        return
    parts = torch.split(inputs, _at_once(inputs))
    blank = sum(int((part == part[..., :1, :1]).flatten(1).all(1).sum()) for part in parts)
    if blank:
        yield f"data: {blank} of {len(inputs)} images are of one shade throughout"


def _at_once(inputs: Tensor) -> int:
    """Return how many rows are compared at once."""
    return max(1, 2**24 // inputs[0].numel())
