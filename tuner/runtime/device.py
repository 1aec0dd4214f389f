"""The device that trains, its threads and its memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

import torch

from tuner.errors import UsageError, did_you_mean, listing
from tuner.runtime.rounding import amount


def be_repeatable() -> None:
    """Make CUDA choose the same kernels every time; call it before CUDA computes anything.

    An operation without such a kernel only warns.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs a kernel each


@contextlib.contextmanager
def held_to(threads: int | None) -> Iterator[None]:
    """Compute with this number of threads, since another gives other bits; None changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(before if threads is None else threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""The numbers of glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, see `man mallopt`."""


LARGEST = 2**30
"""Size in bytes of the largest block, and of the free rest, that a process keeps."""


def keep_freed_memory() -> None:
    """Make this process reuse the blocks that it frees, in place of returning them to the system.

    Each training step frees its activations and allocates as much again. A fresh block is cleared page by page. That
    takes half the time of a small CNN on a CPU. Without glibc nothing happens.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, LARGEST)
        library.mallopt(_TRIM_THRESHOLD, LARGEST)


def device_of(name: str) -> torch.device:
    """Return the device of a name, and prepare this process for it.

    Args:
        name: `cpu`, `cuda`, `mps`, a GPU by its number such as `cuda:1`, or `auto` for the best device.

    Raises:
        UsageError: there is no such device.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(best for best in ("cuda", "mps", "cpu") if there[best])
    kind, colon, index = str(name).partition(":")
    if kind not in there or (colon and not (kind == "cuda" and index.isdecimal())):
        hint = did_you_mean(str(name), ["auto", *there])
        raise UsageError(f"--device {name}: must be auto, cpu, cuda, cuda:N or mps{hint}")
    if not there[kind]:
        usable = listing(known for known, is_there in there.items() if is_there)
        raise UsageError(f"--device {name}: not on this machine, which has {usable}")
    if colon and int(index) >= (count := torch.cuda.device_count()):
        raise UsageError(f"--device {name}: this machine has {amount(count, 'GPU')}, counted from 0")
    if kind == "cuda":
        be_repeatable()
    if colon:
        torch.cuda.set_device(int(index))  # what says just `cuda` means this one
    keep_freed_memory()
    return torch.device(kind, int(index)) if colon else torch.device(kind)
