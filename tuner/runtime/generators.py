"""Randomness: every generator seeded, and the order of an epoch."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor

from tuner.runtime.seeds import derive


def order(rows: int, seed: int, epoch: int) -> Tensor:
    """Return the order in which an epoch visits the rows, int64 (rows,), always on the CPU."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(derive(seed, "order", epoch)))


def seed_everything(seed: int) -> None:
    """Seed every generator that a model's code may draw from.

    `torch.manual_seed` records a traceback for each GPU that is not in use yet, which takes half a millisecond.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
