"""The launcher: starts workers in the driver's process, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tuner.errors import UsageError
from tuner.executors import inline, pool, processes
from tuner.executors.forkserver import warm_up
from tuner.executors.pool import TrialLimits
from tuner.executors.worker_options import Executor, WorkerOptions
from tuner.protocol import Dispatcher, Engine, Place
from tuner.runtime.device import held_to
from tuner.runtime.user_code import Code
from tuner.settings import Resources


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts workers at their places; one that is not `apart` trains in the driver's process."""

    options: WorkerOptions
    places: Sequence[Place]
    apart: bool
    limits: TrialLimits
    resources: Resources

    @classmethod
    def of(cls, options: WorkerOptions, device: torch.device, limits: TrialLimits, resources: Resources) -> Launcher:
        """Return the launcher of the workers that are asked for, on a device of this machine.

        Raises:
            UsageError: there cannot be such workers.
        """
        if options.executor is Executor.RAY:
            if importlib.util.find_spec("ray") is None:
                raise UsageError("--executor ray needs Ray: pip install 'tuner[ray]'")
            if device.index is not None:
                raise UsageError(f"--device {device}: Ray gives each worker its GPU; name the kind alone, cuda")
            return cls(options, (), True, limits, resources)
        if options.workers_per_gpu is not None and device.type != "cuda":
            raise UsageError(f"--workers-per-gpu {options.workers_per_gpu}: trials run on {device}, not on a GPU")
        count = options.count(device)
        if count > 1 and device.type == "mps":
            raise UsageError(f"--workers {count}: several workers train on a CPU or on CUDA, not on {device}")
        threads = options.threads_each(count)
        places = [Place(str(i), platform.node(), _device(device, i), threads) for i in range(count)]
        apart = count > 1 or not limits.none
        if apart:
            warm_up()
        return cls(options, places, apart, limits, resources)

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
        if self.options.executor is Executor.RAY:
            from tuner.executors.ray import start  # Ray, which not everyone has

            _refuse_main(code)
            start.run(engine, dispatcher, self.options, self.limits, self.resources, code)
        elif not self.apart:
            with held_to(self.places[0].threads):
                inline.run(engine, dispatcher, self.places[0])
        else:
            _refuse_main(code)
            transport = processes.Processes(engine, code, self.places)
            pool.run(transport, dispatcher, [place.worker for place in self.places], self.limits)


def _device(device: torch.device, worker: int) -> str:
    """Return a worker's device: workers take the GPUs in turn, or share the one that is named."""
    in_turn = device.type == "cuda" and device.index is None
    return f"cuda:{worker % torch.cuda.device_count()}" if in_turn else str(device)


def _refuse_main(code: Sequence[Code]) -> None:
    for one in code:
        if one.name.startswith("__main__:"):
            raise UsageError(
                f"{one.path}: {one.name} is defined in a notebook or a script. Other processes cannot import it: "
                f"put it into a file and name it file.py:{one.name.partition(':')[2]}"
            )
