from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tuner.engines.fused import Fused
from tuner.engines.fused.policy import Feedback, Workload
from tuner.engines.serial import Serial
from tuner.errors import UsageError
from tuner.executors.worker_options import WorkerOptions
from tuner.search.plan import planned, workload_of
from tuner.search.session import launcher_of
from tuner.space import Space

TEXT = """\
data: {type: digits}
model: {type: Linear}
optimizer: {type: SGD, lr: {float: [0.01, 0.1], step: 0.03}}
"""
CPU = torch.device("cpu")


def space(tmp_path: Path, **settings: Any) -> Space:
    pairs = [(path.replace("__", "."), value) for path, value in settings.items()]
    return Space.parse(TEXT, str(tmp_path / "space.yaml"), tmp_path, pairs)


GRID = {"type": "GridSampler", "search_space": {"optimizer.lr": [0.01, 0.04, 0.07, 0.1]}}
IN_TURN: list[tuple[dict[str, Any], int | None, str]] = [
    ({}, 4, "--deterministic trains each trial by itself"),
    ({"search__trial_limit": "1h"}, None, "killed at its limit"),
    ({"search__trial_timeout": "1h"}, None, "killed at its limit"),
    ({"search__sampler": GRID, "search__repeats": True}, None, "GridSampler gives points again"),
]


@pytest.mark.parametrize(("settings", "batch", "why"), IN_TURN)
def test_trials_that_cannot_train_together_do_not_and_a_number_of_lanes_is_refused(
    tmp_path: Path, settings: dict[str, Any], batch: int | None, why: str
) -> None:
    given = space(tmp_path, **settings)
    if batch is None:
        assert re.search(why, workload_of(given, WorkerOptions(fuse="auto"), CPU).why_in_turn)

    with pytest.raises(UsageError, match=why):
        launcher_of(given, WorkerOptions(batch=batch, fuse=8), CPU)


def test_a_function_of_ones_own_is_not_fused_and_that_is_not_passed_over(tmp_path: Path) -> None:
    given = Space.parse("objective: {function: 'fit.py:fit', metric: score, direction: maximize}", base=tmp_path)

    with pytest.raises(UsageError, match="function trains each trial by itself"):
        launcher_of(given, WorkerOptions(fuse=8), CPU)


def test_trials_train_together_if_asked_for(tmp_path: Path) -> None:
    engine = planned(space(tmp_path), CPU, WorkerOptions(fuse=8)).engine

    assert isinstance(engine, Fused)
    assert (engine.width, engine.forced) == (8, True)
    assert isinstance(planned(space(tmp_path), CPU, WorkerOptions()).engine, Serial)


@pytest.mark.parametrize(
    ("settings", "feedback"),
    [
        ({}, Feedback.SAMPLES),
        ({"search__sampler": {"type": "RandomSampler"}}, Feedback.STOPS),  # pruned by what others reached
        ({"search__pruner": None}, Feedback.SAMPLES),
        ({"search__sampler": {"type": "RandomSampler"}, "search__pruner": None}, Feedback.NOTHING),
        (
            {"search__sampler": {"type": "QMCSampler"}, "search__pruner": None, "search__stop": {"target": 0.9}},
            Feedback.STOPS,
        ),
    ],
    ids=["default", "pruner", "sampler", "neither", "stop"],
)
def test_the_engine_is_told_what_results_decide(tmp_path: Path, settings: dict[str, Any], feedback: Feedback) -> None:
    given = space(tmp_path, search__trials=200, **settings)

    assert workload_of(given, WorkerOptions(workers=2), CPU) == Workload(200, 2, feedback)
