from __future__ import annotations

import pytest
import torch

from tuner.data.rows import Rows
from tuner.data.split import hold_out, without
from tuner.errors import DataError
from tuner.goal import Task

CLASSES = Rows(torch.zeros(100, 1), torch.arange(100) % 4)
VALUES = Rows(torch.zeros(100, 1), torch.randn(100, 1))
GROUPED = Rows(torch.zeros(100, 1), torch.arange(100) % 2, groups=torch.arange(100) // 7)
ALL = torch.arange(100)


@pytest.mark.parametrize("pool", [CLASSES, VALUES, GROUPED])
@pytest.mark.parametrize("part", [0.25, 25])
def test_every_row_stays_or_is_held_out_in_order(pool: Rows, part: float) -> None:
    task = Task.REGRESSION if pool is VALUES else Task.CLASSIFICATION

    kept, held = hold_out(pool, ALL, part, task, 0, "valid")

    assert torch.cat([kept, held]).sort().values.tolist() == ALL.tolist()
    assert kept.tolist() == sorted(kept.tolist())
    assert held.tolist() == sorted(held.tolist())
    assert len(held) == 25 if pool.groups is None else 15 <= len(held) <= 35


def test_classes_are_held_out_in_their_shares() -> None:
    _, held = hold_out(CLASSES, ALL, 0.2, Task.CLASSIFICATION, 0, "valid")

    assert torch.bincount(CLASSES.targets[held]).tolist() == [5, 5, 5, 5]


def test_the_seed_and_the_name_decide() -> None:
    held = [
        hold_out(VALUES, ALL, 0.2, Task.REGRESSION, seed, name)[1].tolist()
        for seed, name in ((0, "valid"), (0, "valid"), (1, "valid"), (0, "test"))
    ]

    assert held[0] == held[1]
    assert held[0] != held[2]
    assert held[0] != held[3]


def test_only_the_rows_to_choose_from_are_chosen_from() -> None:
    among = torch.arange(10, 50)

    kept, held = hold_out(VALUES, among, 8, Task.REGRESSION, 0, "test")

    assert torch.cat([kept, held]).sort().values.tolist() == among.tolist()
    assert len(held) == 8
    assert without(among, held).tolist() == kept.tolist()
    assert without(among, None) is among


@pytest.mark.parametrize("seed", range(5))
def test_a_group_is_never_on_both_sides(seed: int) -> None:
    assert GROUPED.groups is not None
    tuned, test = hold_out(GROUPED, ALL, 0.2, Task.CLASSIFICATION, seed, "test")
    train, valid = hold_out(GROUPED, tuned, 0.3, Task.CLASSIFICATION, seed, "valid")

    sides = [set(GROUPED.groups[rows].tolist()) for rows in (train, valid, test)]

    assert all(sides)
    assert sum(map(len, sides)) == len(set.union(*sides)) == 15


@pytest.mark.parametrize(
    ("pool", "part"),
    [
        (VALUES, 100),
        (VALUES, 200),
        (VALUES, 0.999),
        (CLASSES, 2),
        (CLASSES, 98),
        (Rows(torch.zeros(9, 1), torch.tensor([0] * 8 + [1])), 0.3),
        (Rows(torch.zeros(9, 1), torch.arange(9) % 2, groups=torch.zeros(9)), 0.3),
    ],
)
def test_rows_that_cannot_be_split_are_refused_by_the_name_of_the_share(pool: Rows, part: float) -> None:
    task = Task.REGRESSION if pool is VALUES else Task.CLASSIFICATION

    with pytest.raises(DataError, match=rf"^data\.valid: {len(pool)} rows cannot be split by {part}: "):
        hold_out(pool, torch.arange(len(pool)), part, task, 0, "valid")
