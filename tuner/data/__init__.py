"""Data: from a section of the space to three splits."""

from __future__ import annotations

from tuner.data.dataset import Dataset, Split, Splits, prepare, side_by_side
from tuner.data.load import SOURCES, argument_faults, for_final, for_search

__all__ = [
    "SOURCES",
    "Dataset",
    "Split",
    "Splits",
    "argument_faults",
    "for_final",
    "for_search",
    "prepare",
    "side_by_side",
]
