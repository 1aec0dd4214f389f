"""What an audit notes of rows, and rows to note it of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from tuner.data import audit
from tuner.data.rows import Rows, Source
from tuner.goal import Task

COPIES = "data: copies of training rows flatter the score, leave them out: "


def told(inputs: Any, targets: torch.Tensor, valid: int, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """The notes on rows of which the last ones validate."""
    count = len(targets)
    task = Task.REGRESSION if targets.is_floating_point() else Task.CLASSIFICATION
    names = tuple(classes) or tuple(map(str, range(int(targets.max()) + 1))) if task is Task.CLASSIFICATION else ()
    source = Source(task, names, Rows(inputs, targets))
    return audit.notes(source, torch.arange(count - valid), torch.arange(count - valid, count), None)


def fresh(seed: int = 0) -> torch.Generator:
    """A generator that begins anew, so that no test depends on the ones before it."""
    return torch.Generator().manual_seed(seed)


def noisy(rows: int = 100, width: int = 3) -> torch.Tensor:
    return torch.randn(rows, width, generator=fresh())
