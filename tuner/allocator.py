"""What the C library does with memory that training has freed."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The numbers of glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, see `man mallopt`."""

LARGEST = 2**30
"""The bytes of the largest block, and of the free rest, that a process keeps for itself."""


def keep_freed_memory() -> None:
    """Have this process reuse the blocks that it frees, in place of giving them back and asking for fresh ones.

    Each step of a training frees its activations and allocates as much again. A fresh block is cleared page
    by page: half of the time that a small CNN takes on a CPU. Without glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, LARGEST)
        library.mallopt(_TRIM_THRESHOLD, LARGEST)
