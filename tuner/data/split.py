"""Setting rows apart: seeded, and stratified where there are classes."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from tuner.config import Task
from tuner.data.tensors import Source, Split
from tuner.errors import DataError
from tuner.seeds import derive


def hold_out(pool: Split, part: float | int, source: Source, seed: int, name: str) -> tuple[Split, Split]:
    """Split `pool` into the rows that stay and those held out.

    Args:
        pool: at least two rows.
        part: a share in (0, 1) or a number of rows to hold out.
        source: says whether and into how many classes to stratify.
        seed: the study's.
        name: `valid` or `test`; it draws its own rows and stands in messages.

    Raises:
        DataError: a split would be empty, or a class has too few rows to be in both.
    """
    stratify = pool.targets.numpy() if source.task is Task.CLASSIFICATION else None
    try:
        kept, held = train_test_split(
            np.arange(len(pool)),
            test_size=part,
            random_state=derive(seed, name) % 2**32,
            stratify=stratify,
        )
    except ValueError as error:
        raise DataError(f"data.{name}: {len(pool)} rows cannot be split by {part}: {error}") from None
    return pool.rows(torch.from_numpy(np.sort(kept))), pool.rows(torch.from_numpy(np.sort(held)))
