"""Workers on a Ray cluster: each runs where there is room, and all on one node share the data there.

Nodes and driver share no disk. The pool assigns trials, replaces workers and finds those that hang. Ray places workers
and grows the cluster.
"""

from __future__ import annotations

from collections.abc import Sequence

import ray

from tuner.errors import UsageError
from tuner.executors import pool
from tuner.executors.pool import TrialLimits
from tuner.executors.ray import cluster
from tuner.executors.ray.actors import Actors
from tuner.executors.ray.cluster import Needs
from tuner.executors.ray.serialize import Parcel
from tuner.executors.worker_options import WorkerOptions
from tuner.protocol import Dispatcher, Engine, Movable
from tuner.runtime.user_code import Code
from tuner.settings import Resources


def run(
    engine: Engine,
    dispatcher: Dispatcher,
    options: WorkerOptions,
    limits: TrialLimits,
    resources: Resources,
    code: Sequence[Code],
) -> None:
    """Run an engine on a Ray cluster until the dispatcher has no more work.

    Args:
        engine: a `Movable` one.
        dispatcher: of the work.
        options: how many workers, and where.
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
    threads = 1 if options.batch is not None else options.threads or max(1, int(needs["CPU"]))
    started_here = options.ray_address is None and not ray.is_initialized()
    with cluster.connected(options.ray_address):
        if started_here and not cluster.room(needs):
            raise UsageError(cluster.want(needs))
        count = options.workers if isinstance(options.workers, int) else max(1, cluster.room(needs))
        pool.run(Actors(parcel, needs, threads), dispatcher, [str(i) for i in range(count)], limits)


def _needs(resources: Resources) -> Needs:
    if resources.gpu > 1 and resources.gpu % 1:
        raise UsageError(f"search.resources.gpu {resources.gpu:g}: is a share of one GPU, or a whole number of them")
    return {"CPU": resources.cpu, "GPU": resources.gpu}
