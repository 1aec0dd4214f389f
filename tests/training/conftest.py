"""A small job on digits, and configs over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from tuner.config import Config
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, epochs_of

TEXT = """\
data: {type: digits, batch_size: 64}
model: {type: CNN, channels: [4, 4], dropout: 0.2}
optimizer: {type: Adam, lr: 0.01}
scheduler: {type: CosineAnnealingLR}
training: {epochs: 4}
"""
PLAIN = {"model": {"type": "MLP", "hidden": [8]}, "scheduler": None, "optimizer": {"type": "SGD", "lr": 0.1}}
"""Neither batch statistics nor dropout, so that a loop by hand gives the same numbers."""
CPU = torch.device("cpu")


def config(settings: Mapping[str, Any] | None = None) -> Config:
    return Space.parse(TEXT, settings=list((settings or {}).items())).resolve(Corner(False, {}))


@pytest.fixture(scope="session")
def job() -> Job:
    return Job.for_search(config(), 0, CPU)


def train(job: Job, seed: int, stop: int = 2, settings: Mapping[str, Any] | None = None) -> list[Mapping[str, float]]:
    run = Run.build(job, config(settings), seed)
    return [metrics for _, metrics, _ in epochs_of([run], job, 1, stop)]
