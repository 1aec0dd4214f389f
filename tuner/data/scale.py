"""Shift and spread, measured on the training rows and applied to all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK = 4096
"""How many rows are measured at once, since that is done in float64."""

CONSTANT = 1e-12
"""A spread so much smaller than the mean is what rounding leaves of none."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Per-channel mean and standard deviation of images, per-feature of tables and sequences.

    `mean`, `std`: float32, of a shape that broadcasts against one row.
    """

    mean: Tensor
    std: Tensor

    @classmethod
    def fit(cls, chunks: Iterable[Tensor]) -> Scale:
        """Measure the training rows alone, in chunks of (N, ...); a constant channel is only shifted.

        Chan, Golub and LeVeque's pairwise update (1979), in float64.
        """
        count, mean, squares = 0, torch.zeros(()), torch.zeros(())
        shape: tuple[int, ...] = ()
        for chunk in chunks:
            shape = _shape(chunk)
            columns = _columns(chunk)
            here = columns.mean(0)
            shift = here - mean
            total = count + len(columns)
            squares = squares + ((columns - here) ** 2).sum(0) + shift**2 * (count * len(columns) / total)
            mean = mean + shift * (len(columns) / total)
            count = total
        std = (squares / count).sqrt()
        constant = (std <= CONSTANT * mean.abs()) | (std < torch.finfo(torch.float32).tiny)
        std = torch.where(constant, torch.ones_like(std), std)
        return cls(mean.reshape(shape).float(), std.reshape(shape).float())

    def __call__(self, rows: Tensor) -> Tensor:
        """float32 rows of mean 0 and variance 1 over what the scale was fitted on."""
        return (rows.float() - self.mean) / self.std

    def undo(self, rows: Tensor) -> Tensor:
        """Scaled rows in their own units again."""
        return rows * self.std + self.mean

    def to(self, device: torch.device) -> Scale:
        """The same on `device`."""
        return Scale(self.mean.to(device), self.std.to(device))

    def facts(self) -> dict[str, Any]:
        """JSON values that `of` reads back bit for bit."""
        return {
            "shape": list(self.mean.shape),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
        }

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Scale:
        """Read `facts`."""
        shape = tuple(facts["shape"])
        return cls(torch.tensor(facts["mean"]).reshape(shape), torch.tensor(facts["std"]).reshape(shape))


def chunks_of(rows: Tensor) -> Iterable[Tensor]:
    """Consecutive rows, few enough to be measured in float64."""
    return torch.split(rows, CHUNK)


def _columns(chunk: Tensor) -> Tensor:
    """float64 (M, channels or features)."""
    wide = chunk.to(torch.float64)
    if chunk.dim() >= 4:
        return wide.movedim(1, -1).reshape(-1, chunk.shape[1])
    return wide.reshape(-1, chunk.shape[-1])


def _shape(chunk: Tensor) -> tuple[int, ...]:
    """Channels first from images on, features last in tables and sequences."""
    return (chunk.shape[1], *[1] * (chunk.dim() - 2)) if chunk.dim() >= 4 else (chunk.shape[-1],)
