"""Cross-validation: rows dealt into folds of one size, each of which validates once in a repeat.

Folds of one size train as lanes of one program. So the few rows that are left over, fewer than there are folds, always
train. Whole groups make folds of unlike sizes, and leave no row over.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from torch import Tensor

from tuner.config import Folds
from tuner.data.rows import Rows
from tuner.errors import DataError, counted
from tuner.goal import Task
from tuner.runtime.seeds import derive

Numbers = npt.NDArray[np.int64]


def folds_of(pool: Rows, among: Tensor, folds: Folds, task: Task, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Deal some rows of a dataset into folds.

    Args:
        pool: the dataset.
        among: int64 (N,), the rows to deal.
        folds: their number, and that of repeats.
        task: classes are stratified.
        seed: decides which row is in which fold.

    Returns:
        For each fold of each repeat the rows that train and those that validate, both int64 and in order.

    Raises:
        DataError: there are fewer rows, or fewer groups, than folds.
    """
    rows = pool.at(among)
    count, what = (len(rows), "row") if rows.groups is None else (len(set(rows.groups.tolist())), "group")
    if count < folds.n:
        raise DataError(f"data.folds: {counted(count, what)} cannot be dealt into {folds.n} folds: ask for fewer")
    found = []
    for repeat in range(folds.repeats):
        chance = np.random.default_rng(derive(seed, "folds", repeat))
        for held in _dealt(rows, folds.n, task, chance):
            validates = torch.zeros(len(rows), dtype=torch.bool)
            validates[torch.from_numpy(held)] = True
            found.append((among[~validates], among[validates]))
    return found


def _dealt(rows: Rows, n: int, task: Task, chance: np.random.Generator) -> Iterator[Numbers]:
    """Yield the positions of the rows that validate in each fold."""
    if rows.groups is not None:
        yield from _whole_groups(rows, n, task, chance)
        return
    positions = chance.permutation(len(rows))[: len(rows) // n * n]
    if task is Task.CLASSIFICATION:  # like cards sorted by class, so that each fold gets its share
        positions = positions[np.argsort(rows.targets.numpy()[positions], kind="stable")]
    for fold in range(n):
        yield positions[fold::n]


def _whole_groups(rows: Rows, n: int, task: Task, chance: np.random.Generator) -> Iterator[Numbers]:
    assert rows.groups is not None
    state = int(chance.integers(2**31))
    groups = rows.groups.numpy()
    classes = rows.targets.numpy() if task is Task.CLASSIFICATION else None
    can_share = classes is not None and np.bincount(classes).max() >= n  # else no class reaches every fold
    kind = StratifiedGroupKFold if can_share else GroupKFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        yield from [held for _, held in kind(n, shuffle=True, random_state=state).split(groups, classes, groups)]
