"""Kills at random over a small service; `python -m benchmarks.chaos --service` has the large one."""

from __future__ import annotations

import pytest

from benchmarks import service_chaos
from benchmarks.service_chaos import Scale

SMALL = Scale(
    kills=5,
    studies=1,
    trials=3,
    remote_studies=2,
    remote_trials=8,
    workers=4,
    epoch_seconds=0.3,
    longest_peace=4.0,
)


@pytest.mark.slow
def test_kills_of_a_server_its_driver_and_remote_workers_lose_nothing() -> None:
    assert service_chaos.main(2, SMALL) == []
