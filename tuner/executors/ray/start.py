"""Workers on a Ray cluster: each runs where there is room for it, and all on one node share the data there.

Nodes and driver share no disk. Who gets which trial, who is replaced and who hangs is the pool's to decide;
where a worker runs, and whether the cluster grows for it, is Ray's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import ray

from tuner.errors import UsageError
from tuner.executors import pool
from tuner.executors.pool import TrialLimits
from tuner.executors.ray import cluster
from tuner.executors.ray.actors import Actors
from tuner.executors.ray.cluster import Needs
from tuner.executors.ray.serialize import Parcel
from tuner.protocol import Dispatcher, Engine, Movable
from tuner.settings import Resources
from tuner.user_code import Code


class Wanted(Protocol):
    """What the user asks for, as far as it concerns Ray."""

    @property
    def workers(self) -> int | Literal["auto"] | None:
        """How many; by default as many as there is room for."""
        ...

    @property
    def threads(self) -> int | None:
        """Of each; by default one for each CPU that it takes."""
        ...

    @property
    def ray_address(self) -> str | None:
        """Of the cluster; None starts Ray here."""
        ...

    @property
    def batch(self) -> int | None:
        """Of a study that is to be deterministic."""
        ...


def run(
    engine: Engine,
    dispatcher: Dispatcher,
    wanted: Wanted,
    limits: TrialLimits,
    resources: Resources,
    code: Sequence[Code],
) -> None:
    """Run an engine on a Ray cluster until the dispatcher has no more work.

    Args:
        engine: a `Movable` one.
        dispatcher: of the work.
        wanted: how many workers, and where.
        limits: of a trial.
        resources: of each worker.
        code: all own code that trials name.

    Raises:
        UsageError: there is no such cluster, it has no such resources, or own code cannot travel.
        TunerError: workers cannot be started, or have other versions than the driver.
    """
    assert isinstance(engine, Movable), engine
    parcel = Parcel.of(engine, code)
    needs = _needs(resources)
    threads = 1 if wanted.batch is not None else wanted.threads or max(1, int(needs["CPU"]))
    started_here = wanted.ray_address is None and not ray.is_initialized()
    with cluster.connected(wanted.ray_address):
        if started_here and not cluster.room(needs):
            raise UsageError(cluster.want(needs))
        count = wanted.workers if isinstance(wanted.workers, int) else max(1, cluster.room(needs))
        pool.run(Actors(parcel, needs, threads), dispatcher, [str(i) for i in range(count)], limits)


def _needs(resources: Resources) -> Needs:
    if resources.gpu > 1 and resources.gpu % 1:
        raise UsageError(f"search.resources.gpu {resources.gpu:g}: is a share of one GPU, or a whole number of them")
    return {"CPU": resources.cpu, "GPU": resources.gpu}
