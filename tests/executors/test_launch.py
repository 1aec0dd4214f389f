from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from tests.conftest import TINY
from tuner.errors import UsageError
from tuner.executors.launch import Launcher
from tuner.executors.pool import TrialLimits
from tuner.executors.worker_options import Executor, WorkerOptions
from tuner.runtime.cores import cores
from tuner.search import tune
from tuner.settings import Resources
from tuner.space import Space

CPU = torch.device("cpu")


def launcher(**wanted: Any) -> Launcher:
    return Launcher.of(WorkerOptions(**wanted), CPU, TrialLimits(), Resources())


def test_one_worker_trains_in_the_drivers_process_with_all_threads() -> None:
    alone = launcher()

    assert not alone.apart
    assert [place.threads for place in alone.places] == [torch.get_num_threads()]


def test_the_cores_are_divided_among_workers() -> None:
    assert [place.threads for place in launcher(workers=cores()).places] == [1] * cores()
    assert [place.worker for place in launcher(workers=3).places] == ["0", "1", "2"]
    assert len(launcher(workers="auto").places) == cores()
    assert launcher(workers=2, threads=5).places[0].threads == 5


def test_a_limit_gives_a_single_worker_a_process_that_can_be_killed() -> None:
    assert Launcher.of(WorkerOptions(), CPU, TrialLimits(epoch=1.0), Resources()).apart


def test_workers_take_the_gpus_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    shared = Launcher.of(WorkerOptions(workers_per_gpu=2), torch.device("cuda"), TrialLimits(), Resources())
    auto = Launcher.of(WorkerOptions(workers="auto"), torch.device("cuda"), TrialLimits(), Resources())

    assert [place.device for place in shared.places] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [place.device for place in auto.places] == ["cuda:0", "cuda:1"]


def test_deterministic_trials_have_one_thread() -> None:
    assert launcher(batch=4).places[0].threads == 1


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"workers": 0}, "--workers 0: must be auto or a whole number of at least 1"),
        ({"threads": -1}, "--threads -1"),
        ({"batch": 0}, "--deterministic 0"),
        ({"batch": 4, "threads": 2}, "--deterministic trains with one thread per trial"),
        ({"workers_per_gpu": 2}, "trials run on cpu, not on a GPU"),
        ({"ray_address": "auto"}, "--ray-address goes with --executor ray"),
    ],
)
def test_what_makes_no_crew_is_said(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        launcher(**wanted)


def test_an_executor_that_is_none_is_answered_with_those_that_are() -> None:
    assert WorkerOptions("ray").executor is Executor.RAY
    with pytest.raises(UsageError, match="--executor dask: must be processes or ray"):
        WorkerOptions("dask")


def test_workers_share_a_gpu_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    second = torch.device("cuda:1")

    shared = Launcher.of(WorkerOptions(workers_per_gpu=2), second, TrialLimits(), Resources())
    auto = Launcher.of(WorkerOptions(workers="auto"), second, TrialLimits(), Resources())

    assert [place.device for place in shared.places] == ["cuda:1", "cuda:1"]
    assert [place.device for place in auto.places] == ["cuda:1"]


def test_a_gpu_is_not_named_where_ray_gives_them_out() -> None:
    pytest.importorskip("ray", reason="pip install 'tuner[ray]'")

    with pytest.raises(UsageError, match="--device cuda:1: Ray gives each worker its GPU"):
        Launcher.of(WorkerOptions("ray"), torch.device("cuda:1"), TrialLimits(), Resources())


def test_a_clock_has_no_say_in_a_deterministic_study() -> None:
    space = Space.parse(TINY.replace("trials: 3,", "trials: 3, timeout: 10m, trial_timeout: 5s,"))

    with pytest.raises(UsageError, match=r"drop search.timeout and search.trial_timeout, which a clock decides"):
        tune.run(space, storage="sqlite://", deterministic=4)


def test_a_trial_has_its_time() -> None:
    assert TrialLimits(trial=3.0, epoch=1.0).exceeded(began=0.0, heard=2.5, now=2.9) == ""
    assert TrialLimits(trial=3.0).exceeded(began=0.0, heard=3.0, now=3.1) == "not done within 3 s"
    assert TrialLimits(epoch=1.0).exceeded(began=0.0, heard=1.0, now=2.1) == "no epoch within 1 s"
    assert TrialLimits().exceeded(0.0, 0.0, math.inf) == ""
