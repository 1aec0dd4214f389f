"""Jobs and trials that train in a blink, and both engines on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.ports import FakePort, Verdicts
from tuner.config import Config
from tuner.engines.fused import Fused
from tuner.engines.serial import Serial
from tuner.protocol import Trial
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job

TEXT = """\
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: [16], dropout: 0.2}
optimizer: {type: SGD, lr: 0.1, momentum: 0.9}
training: {epochs: 3}
"""
CPU = torch.device("cpu")
Settings = Mapping[str, Any]


def resolved(settings: Settings, base: Path | str = ".") -> tuple[dict[str, Any], Config]:
    space = Space.parse(TEXT, base=str(base), settings=list(settings.items()))
    return dict(space.fill(Corner(False, {}))), space.resolve(Corner(False, {}))


def trials(several: Sequence[Settings], base: Path | str = ".") -> list[Trial]:
    return [Trial(number, 1, resolved(settings, base)[0], 100 + number) for number, settings in enumerate(several)]


def job_of(settings: Settings | None = None, base: Path | str = ".", device: torch.device = CPU) -> Job:
    return Job.for_search(resolved(settings or {}, base)[1], 0, device)


def fused(
    job: Job, given: Sequence[Trial], width: int = 8, verdicts: Verdicts | None = None, forced: bool = True
) -> FakePort:
    port = FakePort(*given, verdicts=verdicts)
    total = max(len(given), 30)
    Fused(job, 1e9, total, 2 * width if forced else total // 3, width, forced)(port)
    return port


def serial(job: Job, given: Sequence[Trial], verdicts: Verdicts | None = None) -> FakePort:
    port = FakePort(*given, verdicts=verdicts)
    Serial(job, 1e9)(port)
    return port


def epochs(port: FakePort) -> dict[tuple[int, int], dict[str, float]]:
    return {(epoch.trial, epoch.epoch): dict(epoch.metrics) for epoch in port.epochs}


def assert_same(found: FakePort, expected: FakePort, tolerance: float = 1e-4) -> None:
    """Every epoch of every trial, and how each ended."""
    there, wanted = epochs(found), epochs(expected)
    assert there.keys() == wanted.keys()
    for key, metrics in wanted.items():
        for name in ("train_loss", "loss", "lr"):
            assert there[key][name] == pytest.approx(metrics[name], rel=tolerance), (key, name)
        assert there[key]["accuracy"] == pytest.approx(metrics["accuracy"], abs=max(0.01, tolerance))
    ends = [{(o.trial, o.state) for o in port.outcomes} for port in (found, expected)]
    assert ends[0] == ends[1]
