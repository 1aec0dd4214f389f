"""Ray as it is started on this machine, and addresses where there is none."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

import tuner
from tests.conftest import tuner_in, until
from tests.support.ray_clusters import long_space, started, workers
from tuner.errors import UsageError
from tuner.executors.ray import cluster

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}

pytestmark = pytest.mark.integration


def listened_at(process: psutil.Process) -> set[str]:
    return {each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}


def test_ray_that_is_started_here_is_for_this_machine_and_leaves_the_drivers_signals_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    signals = signal.SIGINT, signal.SIGTERM, signal.SIGALRM
    before = [signal.getsignal(number) for number in signals]
    there = psutil.Process().children(recursive=True)

    with cluster.connected(None):
        now = [signal.getsignal(number) for number in signals]
        started = [each for each in psutil.Process().children(recursive=True) if each not in there]
        processes = [psutil.Process(), *started]
        listening = set.union(*map(listened_at, processes))
    _, alive = psutil.wait_procs(started, timeout=60)

    assert now == before
    assert listening <= LOOPBACK
    assert len(processes) > 5
    assert alive == []
    assert not (tmp_path / ".ray").exists()


def test_nothing_of_ray_outlives_a_driver_that_started_it(tmp_path: Path) -> None:
    long_space(tmp_path, epochs=5000)
    driver = started(tmp_path, "--workers", "1")
    until(workers)
    processes = psutil.Process(driver.pid).children(recursive=True)

    driver.kill()
    driver.wait()
    _, alive = psutil.wait_procs(processes, timeout=60)

    assert alive == []


def test_ctrl_c_in_a_terminal_sets_trials_back_and_ends_ray(tmp_path: Path) -> None:
    long_space(tmp_path, epochs=5000)
    driver = started(tmp_path, "--workers", "1", "-q")
    until(lambda: list((tmp_path / ".tuner").glob("*/checkpoints/*.pt")))
    processes = psutil.Process(driver.pid).children(recursive=True)

    os.killpg(driver.pid, signal.SIGINT)
    output, _ = driver.communicate(timeout=120)
    _, alive = psutil.wait_procs(processes, timeout=60)

    shown = tuner_in(tmp_path, "show", "long", "--format", "json").stdout
    assert driver.returncode == 130
    assert output == ""
    assert shown.count('"state": "waiting"') == 1
    assert '"state": "running"' not in shown
    assert alive == []


def test_a_trial_that_needs_more_than_this_machine_has_is_refused(tmp_path: Path, url: str) -> None:
    settings = [("search.resources", {"cpu": 1000})]

    with pytest.raises(UsageError, match="asks for cpu: 1000 and gpu: 0 per trial, and no node has as much"):
        tuner.run(long_space(tmp_path), storage=url, executor="ray", settings=settings)


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "nowhere.invalid:6379", "nonsense"])
def test_an_address_without_a_cluster_is_soon_refused(address: str) -> None:
    refused = f"^--ray-address {address}: .*`ray start --head` starts a cluster"

    with pytest.raises(UsageError, match=refused), cluster.connected(address):
        pass
