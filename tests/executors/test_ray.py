"""Workers on a real Ray, which takes seconds to start: one cluster of two nodes serves the tests of this file."""

from __future__ import annotations

import logging
import os
import pickle
import platform
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray
import torch
from ray._private import ray_constants
from ray.cluster_utils import Cluster

import tuner
from tests.conftest import until
from tests.executors.rays import long_space, started, workers
from tuner import check
from tuner.crew import Crew, Executor, Wanted
from tuner.errors import NoTrialSucceeded, TunerError, UsageError
from tuner.events import Event, Reported, SetBack, Started, WorkerSeen
from tuner.executors import ray_actors, ray_cluster
from tuner.executors.messages import Gone, Output, ToWorker, Work
from tuner.executors.pool import TrialLimits
from tuner.executors.ray_code import Luggage
from tuner.executors.ray_parcel import Parcel
from tuner.executors.ray_worker import Worker
from tuner.port import Movable, Outcome, Port, State, Trial
from tuner.space import Space
from tuner.study import Record
from tuner.trial import Serial
from tuner.tune import Result

SPACE = """\
study: {name: spread, seed: 0}
search: {trials: 4, pruner: null, sampler: {type: RandomSampler}}
data: {type: 'rows.py:digits', batch_size: 128, loader: stream}
model: {type: 'net.py:Net', width: {int: [8, 16]}}
optimizer: {type: Adam, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 2}
"""
NET = """\
from torch import nn
from words import GREETING

class Net(nn.Sequential):
    def __init__(self, in_features, out_features, width):
        print(GREETING, width)
        super().__init__(nn.Flatten(), nn.Linear(in_features, width), nn.ReLU(), nn.Linear(width, out_features))
"""
ROWS = """\
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

class Digits(Dataset):
    def __init__(self):
        images, self.labels = load_digits(return_X_y=True)
        self.images = torch.tensor(images, dtype=torch.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], int(self.labels[index])

def digits():
    return Digits()
"""


def own_space(folder: Path) -> Path:
    """A space with rows and a model of one's own, which needs a third file."""
    (folder / "rows.py").write_text(ROWS)
    (folder / "net.py").write_text(NET)
    (folder / "words.py").write_text("GREETING = 'a net of width'\n")
    (folder / "spread.yaml").write_text(SPACE)
    return folder / "spread.yaml"


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
    result = tuner.run(file, storage_url=f"sqlite:///{folder}/studies.db", executor="ray", observe=events.append)
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
    alone = tuner.run(spread.file, storage_url=url, threads=1)

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

    result = tuner.run(long_space(tmp_path), storage_url=url, n_trials=1, executor="ray", workers=1, observe=mishap)

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
    alone = tuner.run(long_space(tmp_path), storage_url=f"sqlite:///{tmp_path}/alone.db", n_trials=1, threads=1)

    result = tuner.run(long_space(tmp_path), storage_url=url, n_trials=1, executor="ray", workers=1, observe=mishap)
    cluster.add_node(num_cpus=1)

    assert mishap.lost == ["its worker died (its node left the cluster, or cannot be reached)"]
    assert min(mishap.epochs(attempt=2)) > 1
    assert plain(result.study.records()) == plain(alone.study.records())


def test_shares_of_a_cpu_make_room_for_more_workers(cluster: Cluster) -> None:
    until(lambda: ray_cluster.room({"CPU": 1, "GPU": 0}) == 2)

    assert ray_cluster.room({"CPU": 0.1, "GPU": 0}) == 20
    assert ray_cluster.room({"CPU": 2, "GPU": 0}) == 0
    assert ray_cluster.room({"CPU": 0, "GPU": 0.5}) == 0


def test_workers_that_find_no_room_are_told_of(
    tmp_path: Path, url: str, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ray_actors, "ROOM_SECONDS", 0.5)
    gpu = [("search.resources", {"gpu": 0.5})]

    with pytest.raises(NoTrialSucceeded):
        tuner.run(long_space(tmp_path), storage_url=url, timeout=2, executor="ray", settings=gpu)

    asked = "search.resources asks for cpu: 1 and gpu: 0.5 per trial, and no node has as much"
    assert [asked in record.message for record in caplog.records if record.name == ray_actors.__name__] == [True]


def test_no_actor_outlives_its_driver(tmp_path: Path, cluster: Cluster) -> None:
    long_space(tmp_path, epochs=5000)
    driver = started(tmp_path, "--ray-address", cluster.address, "--workers", "1")
    until(workers)

    driver.kill()
    driver.wait()

    until(lambda: not workers(), 20)


def test_a_node_with_other_versions_is_refused(tmp_path: Path) -> None:
    parcel = Parcel(Luggage({}, ()), b"", ())

    with pytest.raises(TunerError, match=r"has torch \S+, not 1\.0: install on all what the driver has"):
        Worker("0", threads=1, gpu=False).run(parcel, {"torch": "1.0"})


def test_what_a_trial_printed_comes_before_its_outcome_and_under_its_number(tmp_path: Path) -> None:
    worker = Worker("0", threads=1, gpu=False)
    threading.Thread(target=worker.run, args=(Parcel.of(Chatty(), ()), {}), daemon=True).start()
    work: list[ToWorker] = [Work(Trial(number, 1, {}, 0), None, f"{number}.log") for number in (4, 5)]

    said = worker.exchange(work)  # the second one is there before the first has ended
    while not any(isinstance(message, Gone) for message in said):
        said += worker.exchange([Work(None)])

    told = [message for message in said if isinstance(message, Output | Outcome)]
    printed = b"".join(message.text for message in told if isinstance(message, Output) and message.trial == 4)
    assert [message.trial for message in told] == sorted(message.trial for message in told)
    assert [isinstance(message, Outcome) for message in told[-2:]] == [False, True]
    assert printed == b"trial 4\n"


class Chatty:
    """An engine that prints the number of each trial."""

    base = ""

    def at(self, device: torch.device, base: str) -> Chatty:
        return self

    def __call__(self, port: Port) -> None:
        while (trial := port.take()) is not None:
            os.write(1, f"trial {trial.number}\n".encode())
            port.done(Outcome(trial.number, trial.attempt, State.COMPLETE))


class Engine:
    """An engine that only holds things."""

    def __init__(self, **held: Any) -> None:
        self.held = held
        self.device = torch.device("cpu")
        self.base = ""

    def at(self, device: torch.device, base: str) -> Engine:
        moved = Engine(**self.held)
        moved.device, moved.base = device, base
        return moved

    def __call__(self, port: Port) -> None: ...


def test_a_parcel_holds_tensors_beside_the_pickle_and_all_else_in_it() -> None:
    tensors = [torch.arange(1000.0), torch.ones(3, 4, dtype=torch.bool), torch.zeros(0), torch.ones(2).bfloat16()]
    table = pd.DataFrame({"a": range(1000)})
    assert isinstance(Engine(), Movable)

    parcel: Parcel = pickle.loads(pickle.dumps(Parcel.of(Engine(tensors=tensors, table=table), ())))
    engine = parcel.unpack(torch.device("meta"), "there")

    assert isinstance(engine, Engine)
    assert (engine.device.type, engine.base) == ("meta", "there")
    assert [tensor.nbytes for tensor in parcel.tensors] == [4000, 12]
    assert len(parcel.pickled) < 4000 + 8000
    for there, here in zip(engine.held["tensors"], tensors, strict=True):
        assert torch.equal(there, here)
    engine.held["table"].iloc[0] = 5  # is not read-only


def test_an_engine_moves_with_all_that_is_prepared(tmp_path: Path) -> None:
    space = Space.load(long_space(tmp_path))
    job, section = check.load_job(space, torch.device("cpu")), check.preparations(space)[0]
    job.settle(section)

    moved = Serial(job, 1.0).at(torch.device("meta"), "there")

    assert (moved.base, moved.job.device.type) == ("there", "meta")
    assert moved.job.dataset(section).train.targets.device.type == "meta"
    assert job.dataset(section).train.targets.device.type == "cpu"


def test_only_code_travels(tmp_path: Path) -> None:
    own_space(tmp_path)
    for name in (".venv/lib.py", "env/pyvenv.cfg", "env/lib.py", "images/one.png", "pack/__init__.py", "big.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "big.json").write_text(" " * 2**18)

    luggage = Luggage.of([("net.py:Net", str(tmp_path), "model.type")])

    assert luggage.files.keys() == {"net.py", "rows.py", "words.py", "pack/__init__.py", "spread.yaml"}
    assert Luggage.of([]).files == {}


@pytest.mark.parametrize("name", ["../net.py:Net", "/net.py:Net"])
def test_code_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"model\.type: .*net\.py:Net: only code in .* travels to the nodes"):
        Luggage.of([(name, str(tmp_path), "model.type")])


def test_code_of_a_notebook_is_refused() -> None:
    crew = Crew.of(Wanted(Executor.RAY), torch.device("cpu"), TrialLimits(), {"cpu": 1, "gpu": 0})

    with pytest.raises(UsageError, match="defined in a notebook or a script"):
        crew.run(Engine(), None, [("__main__:Net", ".", "model.type")])  # type: ignore[arg-type]  # is not asked
