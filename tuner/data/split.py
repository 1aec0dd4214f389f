"""Setting rows apart: seeded, stratified where there are classes, and no group on both sides."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from tuner.data import groups
from tuner.data.rows import Rows
from tuner.errors import DataError, counted
from tuner.goal import Task
from tuner.runtime.seeds import derive

FAR = 0.5
"""Whole groups that miss the number of rows asked for by this share of it or more are refused."""

NEAR = 0.05
"""Whole groups that miss a share of the rows by less than this share of it need no word."""


def hold_out(pool: Rows, among: Tensor, part: float | int, task: Task, seed: int, name: str) -> tuple[Tensor, Tensor]:
    """Choose the rows to hold out of some rows of a dataset.

    Args:
        pool: the dataset.
        among: int64 (N,), the rows to choose from.
        part: a share in (0, 1) of the rows, or a number of rows. Whole groups come close to it.
        task: classes are stratified, with groups as far as those allow it.
        seed: the study's.
        name: `valid` or `test`; it draws its own rows and stands in messages.

    Returns:
        The rows that stay and those held out, both int64 and in order.

    Raises:
        DataError: a split would be empty, a class has too few rows for both, or groups are too large.
    """
    rows, state = pool.at(among), derive(seed, name) % 2**32
    try:
        kept, held = _by_rows(rows, part, task, state) if rows.groups is None else _by_groups(rows, part, task, state)
    except ValueError as error:
        why = _too_rare(rows, task) or error
        raise DataError(f"data.{name}: {counted(len(rows), 'row')} cannot be split by {part}: {why}") from None
    return among[kept], among[held]


def without(among: Tensor, rows: Tensor | None) -> Tensor:
    """Return the rows of `among`, int64, that are not in `rows`."""
    return among if rows is None else among[~torch.isin(among, rows)]


def _too_rare(rows: Rows, task: Task) -> str:
    """Return a phrase on classes too small for both splits; empty if that is not the fault."""
    if task is not Task.CLASSIFICATION or rows.groups is not None:
        return ""
    counts = torch.bincount(rows.targets)
    rare, classes = int((counts == 1).sum()), int((counts > 0).sum())
    if not rare:
        return ""
    return (
        f"{rare} of its {classes} classes {'has' if rare == 1 else 'have'} a single row, and both splits need one: "
        "leave these out"
    )


def _by_rows(pool: Rows, part: float | int, task: Task, state: int) -> tuple[Tensor, Tensor]:
    stratify = pool.targets.numpy() if task is Task.CLASSIFICATION else None
    kept, held = train_test_split(np.arange(len(pool)), test_size=part, random_state=state, stratify=stratify)
    return torch.from_numpy(np.sort(kept)), torch.from_numpy(np.sort(held))


def _by_groups(pool: Rows, part: float | int, task: Task, state: int) -> tuple[Tensor, Tensor]:
    assert pool.groups is not None
    wanted = wanted_of(part, len(pool))
    if not 0 < wanted < len(pool):
        raise ValueError(f"{counted(wanted, 'row')} would be held out")
    classes = pool.targets.numpy() if task is Task.CLASSIFICATION else None
    held = torch.from_numpy(groups.chosen(pool.groups.numpy(), wanted, classes, np.random.default_rng(state)))
    got = int(held.sum())
    if abs(got - wanted) >= FAR * wanted:
        sizes = torch.unique(pool.groups, return_counts=True)[1]
        raise ValueError(
            f"whole groups come no nearer to {wanted} rows than {got}. The largest of {len(sizes)} has "
            f"{sizes.max()} rows and the smallest {sizes.min()}. Ask for another number, or name smaller groups"
        )
    return (~held).nonzero().ravel(), held.nonzero().ravel()


def wanted_of(part: float | int, rows: int) -> int:
    """Return a number of rows: `part` itself, or that share of `rows`."""
    return part if isinstance(part, int) else round(part * rows)


def note_of(groups: Tensor, part: float | int, among: int, name: str) -> str:
    """Return a note if a split has not the size that was asked for; else an empty text.

    Args:
        groups: int64 (N,), the groups of the rows held out.
        part: what was asked for.
        among: of how many rows.
        name: `valid` or `test`.
    """
    wanted, got = wanted_of(part, among), len(groups)
    if abs(got - wanted) <= (0 if isinstance(part, int) else max(1, NEAR * wanted)):
        return ""
    asked = (
        f"{counted(wanted, 'row')} {'was' if wanted == 1 else 'were'} asked for"
        if isinstance(part, int)
        else f"{part} of {among} rows are {wanted}"
    )
    count = len(set(groups.tolist()))
    return f"data.{name}: {asked}, and {counted(count, 'whole group')} of {counted(got, 'row')} come nearest"
