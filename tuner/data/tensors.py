"""Datasets as tensors: what a source gives, what a trial sees, and the scaling between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tuner.config import Task


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of a dataset.

    `inputs`: (N, ...), for images (N, C, H, W); uint8 or float32 as loaded, float32 once scaled.
    `targets`: int64 (N,) class indices, or float32 (N, outputs).
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def rows(self, indices: Tensor) -> Split:
        """The rows at `indices`, int64 (M,)."""
        return Split(self.inputs[indices], self.targets[indices])

    def to(self, device: torch.device) -> Split:
        """The same rows on `device`."""
        return Split(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset as it is: `pool` may be tuned on, `test` gives its own test split where it has one."""

    task: Task
    classes: tuple[str, ...]
    pool: Split
    test: Callable[[], Split] | None


@dataclass(frozen=True, slots=True)
class Scale:
    """Per-channel shift and spread of images, per-feature of tables.

    `mean`, `std`: float32, of a shape that broadcasts against one input.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def fit(cls, inputs: Tensor) -> Scale:
        """Measure `inputs`, (N, ...) of the training split alone; a constant channel is only shifted."""
        images = inputs.dim() == 4
        dims = (0, 2, 3) if images else (0,)
        shape = (-1, 1, 1) if images else inputs.shape[1:]
        moments = inputs.to(torch.float64)
        mean = moments.mean(dims)
        std = moments.std(dims, correction=0)
        std = torch.where(std > 1e-12, std, torch.ones_like(std))
        return cls(mean.reshape(shape).float(), std.reshape(shape).float())

    def __call__(self, inputs: Tensor) -> Tensor:
        """float32 inputs of mean 0 and variance 1 over what the scale was fitted on."""
        return (inputs.float() - self.mean) / self.std

    def split(self, split: Split) -> Split:
        """The split with its inputs scaled."""
        return Split(self(split.inputs), split.targets)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Scaled splits in memory. `valid` is None in final training on all rows, `test` None in a search."""

    task: Task
    classes: tuple[str, ...]
    scale: Scale
    train: Split
    valid: Split | None
    test: Split | None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input, without the batch."""
        return tuple(self.train.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for one input: classes, or the width of a regression target."""
        return len(self.classes) if self.task is Task.CLASSIFICATION else self.train.targets.shape[1]

    def to(self, device: torch.device) -> Dataset:
        """The same dataset with its splits on `device`."""
        valid = None if self.valid is None else self.valid.to(device)
        test = None if self.test is None else self.test.to(device)
        return Dataset(self.task, self.classes, self.scale, self.train.to(device), valid, test)
