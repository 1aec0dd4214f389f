"""One suite over everything that can train and everything that can keep a study: the same study comes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

import tuner
from benchmarks.studies import facts
from tests.support.postgres import postgres, server
from tuner.search.events import Event, Started, WorkerSeen

__all__ = ["postgres", "server"]

SPACE = """\
study: {name: contract, seed: 3}
search:
  trials: 10
  pruner: {type: SuccessiveHalvingPruner, min_resource: 1, reduction_factor: 2}
  resources: {cpu: 0.5}
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: {list: {int: [4, 16]}, length: {int: [1, 2]}}, dropout: {float: [0, 0.5]}}
optimizer: {type: AdamW, lr: {float: [1e-3, 1e-1], log: true}}
training: {epochs: 4}
"""
EXECUTORS: dict[str, dict[str, Any]] = {
    "inline": {},
    "processes": {"workers": 2},
    "ray": {"workers": 2, "executor": "ray"},
}
each_executor = pytest.mark.parametrize(
    "executor",
    [pytest.param(name, marks=pytest.mark.integration) if name == "ray" else name for name in EXECUTORS],
)


@pytest.fixture(scope="module")
def nodes() -> Iterator[None]:
    """A Ray cluster of two nodes, to which this process is connected."""
    ray = pytest.importorskip("ray", reason="pip install 'tuner[ray]'")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield
    ray.shutdown()
    cluster.shutdown()  # type: ignore[no-untyped-call]  # Ray's own


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The trials of the study as this process trains them alone."""
    folder = tmp_path_factory.mktemp("expected")
    (folder / "contract.yaml").write_text(SPACE)
    url = f"sqlite:///{folder}/studies.db"
    tuner.run(folder / "contract.yaml", storage=url, deterministic=3)
    return trials(url)


def trials(url: str) -> list[dict[str, Any]]:
    return [facts(trial) for trial in optuna.load_study(study_name="contract", storage=url).trials]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.integration)])
def database(request: pytest.FixtureRequest, url: str) -> str:
    return url if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


@each_executor
def test_the_seed_alone_decides_a_deterministic_study(
    tmp_path: Path, database: str, executor: str, expected: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("nodes")
    (tmp_path / "contract.yaml").write_text(SPACE)
    events: list[Event] = []

    tuner.run(
        tmp_path / "contract.yaml",
        storage=database,
        deterministic=3,
        observe=events.append,
        **EXECUTORS[executor],
    )

    assert trials(database) == expected
    assert {"COMPLETE", "PRUNED"} == {trial["state"] for trial in expected}  # or there was little to decide
    workers = {event.worker for event in events if isinstance(event, WorkerSeen)}
    assert len(workers) == EXECUTORS[executor].get("workers", 0)


def test_the_name_of_a_study_decides_nothing(tmp_path: Path, url: str, expected: list[dict[str, Any]]) -> None:
    space = SPACE.replace(
        "{type: SuccessiveHalvingPruner, min_resource: 1, reduction_factor: 2}", "{type: HyperbandPruner}"
    )
    (tmp_path / "contract.yaml").write_text(space.replace("trials: 10", "trials: 12").replace("epochs: 4", "epochs: 9"))

    for name in ("one", "other"):
        tuner.run(tmp_path / "contract.yaml", storage=url, study_name=name, deterministic=3)

    one, other = (
        [facts(trial) for trial in optuna.load_study(study_name=name, storage=url).trials] for name in ("one", "other")
    )
    assert one == other
    assert "PRUNED" in {trial["state"] for trial in one}  # or there was little to decide


@each_executor
def test_a_study_that_was_cut_goes_on_elsewhere_to_the_same_end(
    tmp_path: Path, url: str, executor: str, expected: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    if executor == "ray":
        request.getfixturevalue("nodes")
    (tmp_path / "contract.yaml").write_text(SPACE)

    class Crash(BaseException):
        pass

    def crash(event: Event) -> None:
        if isinstance(event, Started) and event.trial.number == 4:
            raise Crash

    with pytest.raises(Crash):
        tuner.run(tmp_path / "contract.yaml", storage=url, deterministic=3, observe=crash, **EXECUTORS[executor])
    tuner.run(tmp_path / "contract.yaml", storage=url, deterministic=3)

    assert trials(url) == expected
