"""Rows that other processes read and preprocess batch by batch, while the device computes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tuner.data.preprocessing.standardize import Scale
from tuner.data.preprocessing.targets import placed
from tuner.data.preprocessing.tensors import Numbers
from tuner.data.rows import Inputs, Rows, inputs_at, read
from tuner.errors import TunerError

MOST_WORKERS = 8
CHUNK = 256
"""How many rows are read at once when all are read in order."""


class Streamed:
    """Rows that are read when their batch comes.

    Args:
        rows: raw.
        preprocessor: raw inputs to what a model takes.
        augment: what happens to training rows in every epoch, in place of `preprocessor`.
        device: where batches are wanted.
        scale: standardises the targets of a regression for the batches.
    """

    def __init__(
        self,
        rows: Rows,
        preprocessor: Any,
        augment: Numbers | None,
        device: torch.device,
        scale: Scale | None = None,
    ) -> None:
        self.targets, self._trained = placed(rows.targets, scale, device)
        self._inputs = rows.inputs
        self._preprocessor = preprocessor
        self._augment = augment
        self._device = device
        self._scale = scale

    def __len__(self) -> int:
        return len(self.targets)

    def batches(self, rows: Sequence[Tensor], seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (inputs, targets) at each of `rows`, int64 on the CPU; `seed` is of the run and the epoch."""
        batches = _Batches(self._inputs, rows, self._preprocessor, self._augment, seed)
        for batch, inputs in zip(rows, _loaded(batches, self._device.type == "cuda"), strict=True):
            yield inputs.to(self._device, non_blocking=True), self._trained[batch.to(self._device)]

    def in_order(self, rows: int) -> Iterator[Tensor]:
        """Yield all inputs as they are scored, `rows` at a time."""
        chunks = torch.split(torch.arange(len(self)), rows)
        for inputs in _loaded(_Batches(self._inputs, chunks, self._preprocessor, None, 0), self._device.type == "cuda"):
            yield inputs.to(self._device, non_blocking=True)

    def at(self, device: torch.device) -> Streamed:
        """Return the same rows for another device."""
        return Streamed(Rows(self._inputs, self.targets), self._preprocessor, self._augment, device, self._scale)


class _Batches(Dataset[Tensor | TunerError]):
    """Item i holds the inputs of batch i, ready for the model, or an error; it runs in a worker."""

    def __init__(
        self, inputs: Inputs, rows: Sequence[Tensor], preprocessor: Any, augment: Numbers | None, seed: int
    ) -> None:
        self._inputs = inputs
        self._rows = rows
        self._preprocessor = preprocessor
        self._augment = augment
        self._seed = seed

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Tensor | TunerError:
        try:
            return self._made(self._rows[index])
        except TunerError as error:
            return error  # raised here, a loader would make a traceback of its message

    def _made(self, rows: Tensor) -> Tensor:
        raw = read(inputs_at(self._inputs, rows))
        if self._augment is None:
            made: Tensor = self._preprocessor(raw)
            return made
        return self._augment.augmented(self._augment.once(raw), rows, self._seed)


def read_in_order(inputs: Inputs) -> Iterator[Tensor]:
    """Yield all raw rows in chunks, read by other processes."""
    chunks = torch.split(torch.arange(len(inputs)), CHUNK)
    yield from _loaded(_Batches(inputs, chunks, _as_they_are, None, 0), pinned=False)


def _as_they_are(raw: Tensor) -> Tensor:
    return raw


def _loaded(batches: _Batches, pinned: bool) -> Iterator[Tensor]:
    workers = min(MOST_WORKERS, os.cpu_count() or 1, len(batches))
    loader = DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        pin_memory=pinned,
        worker_init_fn=_begin,
        generator=torch.Generator(),  # without one a loader draws from the generator of the dropout
    )
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until a reader has begun
    try:
        all_made = iter(loader)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for made in all_made:
        if isinstance(made, TunerError):
            raise made
        yield made


def _begin(worker: int) -> None:
    """Ignore Ctrl-C in a reader process: the driver ends it.

    Tokenizers that were used before a fork warn unless they use one thread.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
