"""Rows that wait on the device, and whether they fit there."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
import psutil
import torch
from torch import Tensor

from tuner.config import Loader
from tuner.data.preprocessing.standardize import Scale
from tuner.data.preprocessing.targets import placed
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.rows import Inputs, Rows
from tuner.errors import DataError

FLOAT = 4
"""The bytes of a number as a model takes it."""

SHARE = 0.5
"""How much of the free memory data may take before they are streamed."""


class Resident:
    """Rows that are preprocessed and on the device, once for all epochs.

    With random transforms they wait on the CPU as they are before the first of those.

    Args:
        inputs: (N, ...), as the model takes them, or as `augment` does.
        targets: int64 (N,) class indices, or float64 (N, outputs) in their own units.
        augment: what happens to training rows in every epoch.
        device: where batches are wanted.
        scale: standardises the targets of a regression for the batches.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, augment: Numbers | None, device: torch.device, scale: Scale | None = None
    ) -> None:
        self.inputs = inputs if augment is not None else inputs.to(device)
        self.targets, self._trained = placed(targets, scale, device)
        self._augment = augment
        self._device = device
        self._scale = scale
        self.whole = self
        """The rows of all folds, one fold after the other; without folds these."""
        self.first = 0
        """The number of the first of these rows in the whole."""

    @property
    def augmented(self) -> bool:
        """Whether a row changes from epoch to epoch."""
        return self._augment is not None

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, rows: Sequence[Tensor], seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, targets) at each of `rows`, int64 on the CPU; `seed` is of the run and the epoch.

        Rows that are not augmented may be asked for in any shape, (K, N) for K models, and on the device.
        """
        for batch, here in zip(rows, _moved(rows, self._device), strict=True):
            if self._augment is None:
                yield _at(here, self.inputs), _at(here, self._trained)
            else:
                made = self._augment.augmented(_at(batch, self.inputs), batch, seed)
                yield made.to(self._device), _at(here, self._trained)

    def in_order(self, rows: int) -> Iterator[Tensor]:
        """Yield copies of all inputs as they are scored, `rows` at a time, since a model may write on them."""
        for inputs in torch.split(self.inputs, rows):
            yield inputs.clone() if self._augment is None else self._augment.scored(inputs).to(self._device)

    def scored(self, rows: Tensor) -> Tensor:
        """Return the inputs at `rows`, int64 of any shape and on the device, of rows that are not augmented."""
        return _at(rows, self.inputs)

    def at(self, device: torch.device) -> Resident:
        """Return the same rows on another device."""
        return Resident(self.inputs, self.targets, self._augment, device, self._scale)


T = TypeVar("T")


def joined(parts: Sequence[T]) -> Sequence[T | Resident]:
    """Return the same rows, as parts of one whole if they wait on the device and are equally many."""
    residents = [part for part in parts if isinstance(part, Resident) and not part.augmented]
    if len(parts) == 1 or len(residents) < len(parts) or len({part.inputs.shape for part in residents}) > 1:
        return parts
    whole = copy.copy(residents[0])
    whole.inputs = torch.cat([part.inputs for part in residents])
    whole.targets = torch.cat([part.targets for part in residents])
    whole._trained = torch.cat([part._trained for part in residents])
    whole.whole = whole
    return [_part(part, whole, number * len(part)) for number, part in enumerate(residents)]


def _part(rows: Resident, whole: Resident, first: int) -> Resident:
    """Return the rows with their numbers in the memory of the whole."""
    part, here = copy.copy(rows), slice(first, first + len(rows))
    part.inputs, part.targets, part._trained = whole.inputs[here], whole.targets[here], whole._trained[here]
    part.whole, part.first = whole, first
    return part


def _moved(rows: Sequence[Tensor], device: torch.device) -> Sequence[Tensor]:
    """Return the batches' rows on a device, sent together: single sends cost a fortieth of a step."""
    if not rows or rows[0].device.type == device.type:
        return rows
    together = torch.cat([*rows], dim=-1).to(device)
    # torch leaves `split` untyped
    return together.split([batch.shape[-1] for batch in rows], dim=-1)  # type: ignore[no-untyped-call,no-any-return]


def _at(rows: Tensor, values: Tensor) -> Tensor:
    """Return `values[rows]` in a quarter of the time, since whole rows are copied."""
    return values.index_select(0, rows.flatten()).view(*rows.shape, *values.shape[1:])


def where(inputs: Inputs, wanted: Loader | None, copies: int = 1) -> tuple[Loader, str]:
    """Return where rows should stay, and a note if that is not the usual place.

    Args:
        inputs: raw.
        wanted: what the config says; None chooses memory as long as it lasts.
        copies: how often the prepared rows are kept, once for each fold.

    Raises:
        DataError: memory is wanted and does not suffice.
    """
    needed, free = copies * size(inputs), psutil.virtual_memory().available
    told = f"the data would take about {_gigabytes(needed)} of the {_gigabytes(free)} of memory that are free"
    if wanted is Loader.MEMORY and needed > free:
        raise DataError(f"data.loader: {told}; use data.loader: stream")
    if wanted is None and needed > SHARE * free:
        return Loader.STREAM, f"{told}: they are streamed"
    return wanted or Loader.MEMORY, ""


def size(inputs: Inputs) -> int:
    """Return the approximate size of the inputs in bytes, raw and as a model takes them."""
    match inputs:
        case Tensor():
            return inputs.nbytes + inputs.numel() * FLOAT
        case pd.DataFrame():
            return int(inputs.memory_usage(index=False, deep=True).sum()) * 2
        case np.ndarray():
            return sum(sys.getsizeof(text) for text in inputs) * 2
        case _:
            first = inputs[torch.arange(1)].read()
            return len(inputs) * (first.nbytes + first.numel() * FLOAT)


def resident(rows: Rows) -> Rows:
    """Return the rows with all lazy inputs read."""
    if isinstance(rows.inputs, Tensor | pd.DataFrame | np.ndarray):
        return rows
    return Rows(rows.inputs.read(), rows.targets, rows.groups)


def _gigabytes(count: float) -> str:
    return f"{count / 2**30:.1f} GB"
