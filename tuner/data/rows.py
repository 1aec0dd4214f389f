"""Rows as a source returns them: raw inputs with targets, and a dataset before its split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from tuner.goal import Task

Texts: TypeAlias = npt.NDArray[np.object_]


class Lazy(Protocol):
    """Inputs that are read when they are asked for, such as files of images."""

    def __len__(self) -> int:
        """Return the number of rows."""
        ...

    def __getitem__(self, indices: Tensor) -> Lazy:
        """Return the rows at `indices`, int64 (M,), still unread."""
        ...

    def read(self) -> Tensor:
        """Return all rows, (N, ...)."""
        ...

    def sizes(self) -> list[int]:
        """Return the sizes in bytes of the rows' files; empty without files."""
        ...


Inputs: TypeAlias = Tensor | pd.DataFrame | Texts | Lazy


@dataclass(frozen=True, slots=True)
class Rows:
    """Raw rows.

    `inputs`: a tensor (N, ...) of any number type, a table, texts, or what reads a tensor later.
    `targets`: int64 (N,) class indices, or float64 (N, outputs) in their own units. `groups`: int64 (N,), rows of one
    group stay in one split.
    """

    inputs: Inputs
    targets: Tensor
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, indices: Tensor) -> Rows:
        """Return the rows at `indices`, int64 (M,)."""
        groups = None if self.groups is None else self.groups[indices]
        return Rows(inputs_at(self.inputs, indices), self.targets[indices], groups)

    def none(self) -> Rows:
        """Return an empty selection of the same kind."""
        return self.at(torch.arange(0))


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset as it is.

    `pool` may be tuned on. `valid` are the validation rows of the pool, int64, if the dataset defines them. `test`
    reads the dataset's own test split, if any. `white` is the value of a white pixel, for reading image files in
    prediction. None means the files' own numbers. `notes` tell the user what was inferred. `units` are the percent or
    currency signs of columns of a table.
    """

    task: Task
    classes: tuple[str, ...]
    pool: Rows
    test: Callable[[], Rows] | None = None
    valid: Tensor | None = None
    vocab_size: int | None = None
    white: float | None = 255.0
    notes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)

    def emptied(self) -> Source:
        """Return the same source without its rows, once they are in their splits."""
        return replace(self, pool=self.pool.none())

    def noting(self, *notes: str) -> Source:
        """Return the same source with more notes; empty ones are left out."""
        return replace(self, notes=(*self.notes, *filter(None, notes)))


def as_bytes(tensor: Tensor) -> npt.NDArray[np.uint8]:
    """Return the bytes of a tensor's numbers in their order, uint8 (N,), whatever its strides are.

    A dimension of one entry may have any stride, with which torch gives no view of bytes.
    """
    there = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
    made: npt.NDArray[np.uint8] = there.as_strided((there.numel(),), (1,)).view(torch.uint8).numpy()
    return made


def inputs_at(inputs: Inputs, indices: Tensor) -> Inputs:
    """Return the inputs at `indices`, int64 (M,)."""
    if isinstance(inputs, pd.DataFrame):
        return inputs.iloc[indices.numpy()]
    if isinstance(inputs, np.ndarray):
        return inputs[indices.numpy()]
    return inputs[indices]


def read(inputs: Inputs) -> Any:
    """Return the inputs with all lazy rows read."""
    return inputs if isinstance(inputs, Tensor | pd.DataFrame | np.ndarray) else inputs.read()
