"""Chance: every generator seeded, and the order of an epoch."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from tuner.seeds import derive


def be_repeatable() -> None:
    """Have CUDA choose the same kernels every time; to be called before it computes anything.

    An operation that has no such kernel warns and goes on.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs a kernel each


@contextlib.contextmanager
def held_to(threads: int | None) -> Iterator[None]:
    """Compute with so many threads, since another number gives other bits; None leaves them as they are."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if threads is None else threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def order(rows: int, seed: int, epoch: int) -> Tensor:
    """The order in which an epoch visits the rows, int64 (rows,), on the CPU whatever the device."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(derive(seed, "order", epoch)))


def seed_everything(seed: int) -> None:
    """Seed every generator that a model's code may draw from.

    `torch.manual_seed` notes down a whole traceback for each GPU that is not in use yet, in half a millisecond.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
