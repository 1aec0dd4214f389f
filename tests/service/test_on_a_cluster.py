"""A server whose studies train on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ray._private import ray_constants
from ray.cluster_utils import Cluster

from tests.conftest import until
from tests.support.servers import Queue, real_server, space_of
from tuner.api import status
from tuner.errors import TunerError
from tuner.service.queue import capacity
from tuner.service.queue.slots import Slots

pytestmark = pytest.mark.integration


@pytest.fixture
def address() -> Iterator[str]:
    """A cluster of three cores on the loopback interface."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 3, "include_dashboard": False})
        yield str(cluster.address)
        cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


def test_the_slots_are_those_of_the_cluster_and_a_study_trains_there(tmp_path: Path, address: str) -> None:
    queue = Queue(tmp_path)
    assert capacity.of_cluster(address) == Slots(3, 0)
    with real_server(tmp_path, "--executor", "ray", "--ray-address", address):
        queue.submit("study", space_of(trials=4), Slots(2, 0), command={"workers": 2})

        until(lambda: queue.states()["study"] in ("done", "failed"), 120)

    assert queue.states()["study"] == "done", queue.jobs.all()[0].reason
    assert status("study", storage=queue.database.url).ended == 4


def test_an_address_without_a_cluster_is_refused() -> None:
    with pytest.raises(TunerError, match=r"--ray-address 127.0.0.1:1: nothing answers at"):
        capacity.of_cluster("127.0.0.1:1")
