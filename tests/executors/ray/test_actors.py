"""Workers on a real Ray, which takes seconds to start: one cluster of two nodes serves the tests of this file."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray
from ray._private import ray_constants
from ray.cluster_utils import Cluster

import tuner
from tests.conftest import until
from tests.support.ray_clusters import long_space, own_space, started, workers
from tuner.errors import NoTrialSucceeded
from tuner.executors.messages import Output
from tuner.executors.ray import actors
from tuner.executors.ray.actor import Printed
from tuner.executors.ray.cluster import room
from tuner.search.events import Event, Reported, SetBack, Started, WorkerSeen
from tuner.search.run_result import Result
from tuner.study import Record

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes of one CPU each, and this process at a third one that has none; all on the loopback interface."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": {"health_check_period_ms": 1000}}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        yield cluster
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


@dataclass(frozen=True)
class Spread:
    """A study that was run on the cluster, with a model and rows of one's own."""

    file: Path
    result: Result
    events: list[Event]


@pytest.fixture(scope="module")
def spread(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Spread:
    folder, events = tmp_path_factory.mktemp("spread"), list[Event]()
    file = own_space(folder)
    result = tuner.run(file, storage=f"sqlite:///{folder}/studies.db", executor="ray", observe=events.append)
    return Spread(file, result, events)


def plain(records: list[Record]) -> list[Any]:
    """What must not depend on who trains."""
    return [(record.params, {**record.history, "seconds": []}, record.values) for record in records]


class Mishap:
    """Strikes once, in a trial's third epoch; keeps what happens."""

    def __init__(self, strike: Callable[[], object]) -> None:
        self.events: list[Event] = []
        self._strike = strike

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Reported) and (event.epoch.attempt, event.epoch.epoch) == (1, 3):
            self._strike()

    @property
    def lost(self) -> list[str]:
        return [event.outcome.cause for event in self.events if isinstance(event, SetBack)]

    def epochs(self, attempt: int) -> list[int]:
        reports = [event.epoch for event in self.events if isinstance(event, Reported)]
        return [epoch.epoch for epoch in reports if epoch.attempt == attempt]


def test_actors_give_the_trials_that_one_process_gives(spread: Spread, url: str) -> None:
    alone = tuner.run(spread.file, storage=url, threads=1)

    assert len(spread.result.study.records()) == 4
    assert plain(spread.result.study.records()) == plain(alone.study.records())


def test_by_default_there_are_as_many_workers_as_the_cluster_has_room_for(spread: Spread) -> None:
    seen = {event.worker for event in spread.events if isinstance(event, WorkerSeen)}
    places = [event.place for event in spread.events if isinstance(event, Started)]

    assert seen == {"0", "1"}
    assert {(place.host, place.device, place.threads) for place in places} == {(platform.node(), "cpu", 1)}


def test_what_a_model_prints_on_a_node_is_in_the_trials_log(spread: Spread) -> None:
    (logs,) = (spread.file.parent / ".tuner").glob("*/logs")

    for record in spread.result.study.records():
        width = record.params["model.width"]
        assert (logs / f"{record.number}.log").read_text() == f"a net of width {width}\n"


def test_a_trial_goes_on_from_its_checkpoint_though_its_actor_is_killed(
    tmp_path: Path, url: str, cluster: Cluster
) -> None:
    mishap = Mishap(lambda: workers()[0].kill())

    result = tuner.run(long_space(tmp_path), storage=url, n_trials=1, executor="ray", workers=1, observe=mishap)

    assert mishap.lost == ["its worker died (killed, perhaps for want of memory)"]
    assert [record.state for record in result.study.records()] == ["complete"]
    assert min(mishap.epochs(attempt=2)) > 1
    assert max(mishap.epochs(attempt=2)) == 12


def test_a_study_ends_as_ever_though_the_node_that_trains_leaves_the_cluster(
    tmp_path: Path, url: str, cluster: Cluster
) -> None:
    def leave() -> None:
        raylets = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
        cluster.remove_node(raylets[workers()[0].ppid()], allow_graceful=False)

    mishap = Mishap(leave)
    alone = tuner.run(long_space(tmp_path), storage=f"sqlite:///{tmp_path}/alone.db", n_trials=1, threads=1)

    result = tuner.run(long_space(tmp_path), storage=url, n_trials=1, executor="ray", workers=1, observe=mishap)
    cluster.add_node(num_cpus=1)

    assert mishap.lost == ["its worker died (its node left the cluster, or cannot be reached)"]
    assert min(mishap.epochs(attempt=2)) > 1
    assert plain(result.study.records()) == plain(alone.study.records())


def test_shares_of_a_cpu_make_room_for_more_workers(cluster: Cluster) -> None:
    until(lambda: room({"CPU": 1, "GPU": 0}) == 2)

    assert room({"CPU": 0.1, "GPU": 0}) == 20
    assert room({"CPU": 2, "GPU": 0}) == 0
    assert room({"CPU": 0, "GPU": 0.5}) == 0


def test_workers_that_find_no_room_are_told_of(
    tmp_path: Path, url: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(actors, "ROOM_SECONDS", 0.5)
    gpu = [("search.resources", {"gpu": 0.5})]

    with pytest.raises(NoTrialSucceeded):
        tuner.run(long_space(tmp_path), storage=url, timeout=2, executor="ray", settings=gpu)

    asked = "search.resources asks for cpu: 1 and gpu: 0.5 per trial, and no node has as much"
    assert [asked in record.message for record in caplog.records if record.name == actors.__name__] == [True]


def test_no_actor_outlives_its_driver(tmp_path: Path, cluster: Cluster) -> None:
    long_space(tmp_path, epochs=5000)
    until(lambda: not workers())  # those of the tests before
    driver = started(tmp_path, "--ray-address", cluster.address, "--workers", "1")
    until(workers)

    driver.kill()
    driver.wait()

    until(lambda: not workers())


def test_words_belong_to_the_trial_in_whose_log_they_were_said(tmp_path: Path) -> None:
    printed = Printed(tmp_path / "printed")
    for number in (3, 4):
        printed.log_to(Path("logs", f"{number}.log"))
        os.write(1, f"of {number}\n".encode())
    printed.log_to(None)

    assert printed.news() == [Output(3, b"of 3\n"), Output(4, b"of 4\n")]
    assert printed.news() == []
