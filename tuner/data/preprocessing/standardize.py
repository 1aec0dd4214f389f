"""Shift and spread, measured on the training rows and applied to all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK = 4096
"""How many rows are measured at once, since that is done in float64."""

CONSTANT = 8 * torch.finfo(torch.float64).eps
"""A spread below this share of the mean is what rounding leaves of none."""

NARROW = (torch.uint8, torch.int8, torch.int16, torch.bool, torch.float16, torch.bfloat16, torch.float32)
"""The types of rows that float32 holds without loss."""

MOST_OFFSET = 1e3
"""Up to this ratio of mean to spread float32 is enough to standardise rows of `NARROW` types."""

LEAST_SPREAD, MOST_SPREAD = 1e-30, 1e30
"""The spreads that float32 can divide by, with room for values far from the mean."""

WHOLE = 2**53
"""Beyond it float64 leaves out whole numbers."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Per-channel mean and standard deviation of images, per-feature of tables and sequences.

    `mean`, `std`: float64, of a shape that broadcasts against one row. `origin`: int64 of the same shape, subtracted
    from int64 rows before they become float64; `mean` is counted from it. None where no value is beyond `WHOLE`.
    """

    mean: Tensor
    std: Tensor
    origin: Tensor | None = None

    @classmethod
    def fit(cls, chunks: Iterable[Tensor]) -> Scale:
        """Measure the training rows alone, in chunks of (N, ...); a constant channel is only shifted.

        The update is Chan, Golub and LeVeque's (1979), in float64. A unit keeps every square within its range.
        """
        count, mean, squares, unit = 0, *torch.zeros(3, dtype=torch.float64)
        shape: tuple[int, ...] = ()
        origin: Tensor | None = None
        for i, chunk in enumerate(chunks):
            shape = _shape(chunk)
            raw = _columns(chunk)
            origin = _origin(raw) if i == 0 else origin
            columns = _from(raw, origin)
            before, unit = unit, torch.maximum(unit, _unit(columns))
            mean, squares = mean * (before / unit), squares * (before / unit) ** 2
            columns = columns / unit
            here = columns.mean(0)
            shift = here - mean
            total = count + len(columns)
            squares = squares + ((columns - here) ** 2).sum(0) + shift**2 * (count * len(columns) / total)
            mean = mean + shift * (len(columns) / total)
            count = total
        mean, std = mean * unit, (squares / count).sqrt() * unit
        constant = (std <= CONSTANT * mean.abs()) | (std < torch.finfo(torch.float64).tiny)
        std = torch.where(constant, torch.ones_like(std), std)
        return cls(mean.reshape(shape), std.reshape(shape), None if origin is None else origin.reshape(shape))

    def __call__(self, rows: Tensor) -> Tensor:
        """Return float32 rows of mean 0 and variance 1 over the fitted rows.

        Rows that float32 cannot hold, such as float64 or int64, are standardised in float64 first.
        """
        if rows.dtype in NARROW and self._is_narrow():
            return (rows.float() - self.mean.float()) / self.std.float()
        return torch.cat([self.exact(chunk).float() for chunk in chunks_of(rows)])

    def exact(self, rows: Tensor) -> Tensor:
        """Return the same rows in float64, on the device of the scale."""
        return (_from(rows.to(self.mean.device), self.origin) - self.mean) / self.std

    def undo(self, rows: Tensor) -> Tensor:
        """Return scaled rows in their own units, float64, on the device of the scale."""
        centre = self.mean if self.origin is None else self.mean + self.origin.double()
        return rows.to(self.mean.device, torch.float64) * self.std + centre

    def to(self, device: torch.device) -> Scale:
        """Return the same scale on `device`, or on the CPU if that device has no float64."""
        there = home_of_doubles(device)
        return Scale(self.mean.to(there), self.std.to(there), None if self.origin is None else self.origin.to(there))

    def facts(self) -> dict[str, Any]:
        """Return JSON values that `of` reads back bit for bit."""
        return {
            "shape": list(self.mean.shape),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "origin": None if self.origin is None else self.origin.flatten().tolist(),
        }

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Scale:
        """Read `facts`."""
        mean, std = (torch.tensor(facts[name], dtype=torch.float64).reshape(facts["shape"]) for name in ("mean", "std"))
        origin = facts.get("origin")
        return cls(mean, std, None if origin is None else torch.tensor(origin).reshape(facts["shape"]))

    def _is_narrow(self) -> bool:
        """Return whether float32 loses nothing when it subtracts the mean and divides by the spread."""
        near = self.mean.abs() <= MOST_OFFSET * self.std
        return bool((near & (self.std >= LEAST_SPREAD) & (self.std <= MOST_SPREAD)).all())


def chunks_of(rows: Tensor) -> Iterable[Tensor]:
    """Return consecutive chunks, small enough to be measured in float64."""
    return torch.split(rows, CHUNK)


def home_of_doubles(device: torch.device) -> torch.device:
    """Return where float64 numbers for `device` are kept: Apple's GPUs have none."""
    return torch.device("cpu") if device.type == "mps" else device


def _columns(chunk: Tensor) -> Tensor:
    """Return (M, channels or features) of the chunk's type."""
    if chunk.dim() >= 4:
        return chunk.movedim(1, -1).reshape(-1, chunk.shape[1])
    return chunk.reshape(-1, chunk.shape[-1])


def _origin(columns: Tensor) -> Tensor | None:
    """Return the median of each int64 column that has values beyond `WHOLE`, 0 for others; None where none has."""
    if columns.dtype is not torch.int64 or not len(columns):
        return None
    far = (columns.amax(0) > WHOLE) | (columns.amin(0) < -WHOLE)
    return torch.where(far, columns.median(0).values, 0) if bool(far.any()) else None


def _from(rows: Tensor, origin: Tensor | None) -> Tensor:
    """Return float64 distances from `origin`, exact up to `WHOLE`."""
    if origin is None or rows.dtype is not torch.int64:
        return rows.to(torch.float64) if origin is None else rows.to(torch.float64) - origin.double()
    rough = rows.double() - origin.double()
    return torch.where(rough.abs() < 2.0**62, (rows - origin).double(), rough)  # int64 overflows beyond


def _unit(columns: Tensor) -> Tensor:
    """Return a power of two per column, near its largest value; dividing by it is exact."""
    largest = columns.abs().amax(0)
    exponents = torch.where(largest > 0, torch.frexp(largest).exponent, -1022).clamp(-1022, 1023)
    return torch.ldexp(torch.ones_like(largest), exponents)


def _shape(chunk: Tensor) -> tuple[int, ...]:
    """Return the shape of a scale: channels first for images, features last for tables and sequences."""
    return (chunk.shape[1], *[1] * (chunk.dim() - 2)) if chunk.dim() >= 4 else (chunk.shape[-1],)
