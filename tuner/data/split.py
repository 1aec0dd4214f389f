"""Setting rows apart: seeded, stratified where there are classes, and no group on both sides."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from torch import Tensor

from tuner.data.rows import Rows
from tuner.errors import DataError
from tuner.seeds import derive
from tuner.task import Task


def hold_out(pool: Rows, among: Tensor, part: float | int, task: Task, seed: int, name: str) -> tuple[Tensor, Tensor]:
    """Choose the rows to hold out of some rows of a dataset.

    Args:
        pool: the dataset.
        among: int64 (N,), the rows to choose from.
        part: a share in (0, 1) or a number of rows to hold out; with groups, about so many.
        task: classes are stratified, unless groups decide.
        seed: the study's.
        name: `valid` or `test`; it draws its own rows and stands in messages.

    Returns:
        The rows that stay and those held out, both int64 and in order.

    Raises:
        DataError: a split would be empty, or a class has too few rows to be in both.
    """
    rows, state = pool.at(among), derive(seed, name) % 2**32
    try:
        kept, held = _by_rows(rows, part, task, state) if rows.groups is None else _by_groups(rows, part, state)
    except ValueError as error:
        why = _too_rare(rows, task) or error
        raise DataError(f"data.{name}: {len(rows)} rows cannot be split by {part}: {why}") from None
    return among[kept], among[held]


def without(among: Tensor, rows: Tensor | None) -> Tensor:
    """The rows of `among`, int64, that are not in `rows`."""
    return among if rows is None else among[~torch.isin(among, rows)]


def _too_rare(rows: Rows, task: Task) -> str:
    """What is wrong with classes that are too small to be in both splits; empty if it is not that."""
    if task is not Task.CLASSIFICATION or rows.groups is not None:
        return ""
    counts = torch.bincount(rows.targets)
    rare, classes = int((counts == 1).sum()), int((counts > 0).sum())
    if not rare:
        return ""
    return (
        f"{rare} of its {classes} classes {'has' if rare == 1 else 'have'} a single row, and each split needs one: "
        "leave such rows out, or predict something else"
    )


def _by_rows(pool: Rows, part: float | int, task: Task, state: int) -> tuple[Tensor, Tensor]:
    stratify = pool.targets.numpy() if task is Task.CLASSIFICATION else None
    kept, held = train_test_split(np.arange(len(pool)), test_size=part, random_state=state, stratify=stratify)
    return torch.from_numpy(np.sort(kept)), torch.from_numpy(np.sort(held))


def _by_groups(pool: Rows, part: float | int, state: int) -> tuple[Tensor, Tensor]:
    assert pool.groups is not None
    share = part / len(pool) if isinstance(part, int) else part
    splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=state)
    kept, held = next(splitter.split(np.arange(len(pool)), groups=pool.groups.numpy()))
    return torch.from_numpy(np.sort(kept)), torch.from_numpy(np.sort(held))
