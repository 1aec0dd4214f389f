"""Worker options: which workers a run has, as the user asks for them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from tuner.errors import UsageError, did_you_mean
from tuner.runtime.cores import cores
from tuner.runtime.enums import member_of
from tuner.runtime.kinds import is_whole

Workers = int | Literal["auto"] | None
"""Number of workers. None is one process, or with Ray as many as there is room for, like `auto`."""


Fuse = int | Literal["auto", "off"]
"""Number of trials that train as one program: `auto` is as many as pays, a number is exactly that."""


class Executor(enum.StrEnum):
    """The kind of workers."""

    PROCESSES = "processes"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The workers that the user asks for; passed unchanged from the command to the workers.

    `threads` None divides the cores among the workers. `batch` is that of `--deterministic`, None without it.
    """

    executor: Executor | str = Executor.PROCESSES
    workers: Workers = None
    threads: int | None = None
    workers_per_gpu: int | None = None
    ray_address: str | None = None
    batch: int | None = None
    fuse: Fuse = "off"

    def __post_init__(self) -> None:
        object.__setattr__(self, "executor", member_of(Executor, self.executor, "--executor"))
        if self.fuse not in ("auto", "off") and not _at_least(2, self.fuse):
            hint = did_you_mean(str(self.fuse), ["auto", "off"])
            raise UsageError(f"--fuse {self.fuse}: must be auto, off or a whole number of at least 2{hint}")
        if self.workers not in (None, "auto") and not _at_least(1, self.workers):
            hint = did_you_mean(str(self.workers), ["auto"])
            raise UsageError(f"--workers {self.workers}: must be auto or a whole number of at least 1{hint}")
        given = {
            "--threads": self.threads,
            "--workers-per-gpu": self.workers_per_gpu,
            "--deterministic": self.batch,
        }
        for name, value in given.items():
            if value is not None and not _at_least(1, value):
                raise UsageError(f"{name} {value}: must be a whole number of at least 1")
        if self.batch is not None and self.threads not in (None, 1):
            raise UsageError("--deterministic trains with one thread per trial: drop --threads")
        if self.ray_address is not None and self.executor is not Executor.RAY:
            raise UsageError("--ray-address goes with --executor ray")

    def count(self, device: torch.device) -> int:
        """Return how many workers train on this machine; a cluster's number is unknown before it is there."""
        if isinstance(self.workers, int):
            return self.workers
        if device.type == "cuda" and (self.workers == "auto" or self.workers_per_gpu is not None):
            gpus = torch.cuda.device_count() if device.index is None else 1
            return gpus * (self.workers_per_gpu or 1)
        return cores() if self.workers == "auto" and device.type == "cpu" else 1

    def threads_each(self, count: int) -> int:
        """Return the threads of each of `count` workers on this machine."""
        if self.batch is not None:
            return 1
        return self.threads or (torch.get_num_threads() if count == 1 else max(1, cores() // count))

    def for_confirmation(self) -> WorkerOptions:
        """Return the options for a confirmation, which trains each run by itself, in any order."""
        return replace(self, batch=None, threads=1 if self.batch else self.threads, fuse="off")


def _at_least(least: int, value: Any) -> bool:
    return is_whole(value) and value >= least
