"""Who trains: in the driver's process, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import enum
import importlib.util
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from tuner.config import is_whole
from tuner.errors import UsageError, did_you_mean
from tuner.executors import inline, pool, processes
from tuner.executors.forkserver import warm_up
from tuner.executors.pool import TrialLimits
from tuner.protocol import Dispatcher, Engine, Place
from tuner.runtime.device import held_to
from tuner.runtime.enums import member_of
from tuner.settings import Resources
from tuner.user_code import Code

Workers = int | Literal["auto"] | None
"""How many train: None is one process, or with Ray as many as the cluster has room for, as `auto` is."""


Fuse = int | Literal["auto", "off"]
"""How many trials train as one program: `auto` is as many as pays, a number is just that many."""


class Executor(enum.Enum):
    """Where workers run."""

    PROCESSES = "processes"
    RAY = "ray"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for.

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


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers by their places; one that is not `apart` trains in the driver's process."""

    wanted: Wanted
    places: Sequence[Place]
    apart: bool
    limits: TrialLimits
    resources: Resources

    @classmethod
    def of(cls, wanted: Wanted, device: torch.device, limits: TrialLimits, resources: Resources) -> Crew:
        """The crew that is asked for, on a device of this machine.

        Raises:
            UsageError: there cannot be one.
        """
        if wanted.executor is Executor.RAY:
            if importlib.util.find_spec("ray") is None:
                raise UsageError("--executor ray needs Ray: pip install 'tuner[ray]'")
            if device.index is not None:
                raise UsageError(f"--device {device}: Ray gives each worker its GPU; name the kind alone, cuda")
            return cls(wanted, (), True, limits, resources)
        if wanted.workers_per_gpu is not None and device.type != "cuda":
            raise UsageError(f"--workers-per-gpu {wanted.workers_per_gpu}: trials run on {device}, not on a GPU")
        count = workers(wanted, device)
        if count > 1 and device.type == "mps":
            raise UsageError(f"--workers {count}: several workers train on a CPU or on CUDA, not on {device}")
        threads = _threads(wanted, count)
        places = [Place(str(i), platform.node(), _device(device, i), threads) for i in range(count)]
        apart = count > 1 or not limits.none
        if apart:
            warm_up()
        return cls(wanted, places, apart, limits, resources)

    def run(self, engine: Engine, dispatcher: Dispatcher, code: Sequence[Code]) -> None:
        """Run an engine until there is no more work.

        Args:
            engine: picklable unless it runs in this process.
            dispatcher: of the work.
            code: own code that the engine holds.

        Raises:
            UsageError: there is no such cluster.
            TunerError: workers cannot be started.
        """
        if self.wanted.executor is Executor.RAY:
            from tuner.executors.ray import start  # Ray, which not everyone has

            _refuse_main(code)
            start.run(engine, dispatcher, self.wanted, self.limits, self.resources, code)
        elif not self.apart:
            with held_to(self.places[0].threads):
                inline.run(engine, dispatcher, self.places[0])
        else:
            _refuse_main(code)
            transport = processes.Processes(engine, code, self.places)
            pool.run(transport, dispatcher, [place.worker for place in self.places], self.limits)


def _at_least(least: int, value: Any) -> bool:
    return is_whole(value) and value >= least


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(wanted: Wanted, device: torch.device) -> int:
    """How many train on this machine; of a cluster's that is not known before it is there."""
    if isinstance(wanted.workers, int):
        return wanted.workers
    if device.type == "cuda" and (wanted.workers == "auto" or wanted.workers_per_gpu is not None):
        gpus = torch.cuda.device_count() if device.index is None else 1
        return gpus * (wanted.workers_per_gpu or 1)
    return cores() if wanted.workers == "auto" and device.type == "cpu" else 1


def _threads(wanted: Wanted, count: int) -> int:
    if wanted.batch is not None:
        return 1
    return wanted.threads or (torch.get_num_threads() if count == 1 else max(1, cores() // count))


def _device(device: torch.device, worker: int) -> str:
    """Return a worker's device: workers take the GPUs in turn, or share the one that is named."""
    in_turn = device.type == "cuda" and device.index is None
    return f"cuda:{worker % torch.cuda.device_count()}" if in_turn else str(device)


def _refuse_main(code: Sequence[Code]) -> None:
    for one in code:
        if one.name.startswith("__main__:"):
            raise UsageError(
                f"{one.path}: {one.name} is defined in a notebook or a script, which other processes cannot import: "
                f"put it into a file and name it file.py:{one.name.partition(':')[2]}"
            )
