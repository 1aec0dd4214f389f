from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tuner.engines.fused import Fused
from tuner.engines.fused.policy import share_ahead
from tuner.engines.serial import Serial
from tuner.errors import UsageError
from tuner.executors.worker_options import WorkerOptions
from tuner.search.plan import feedback_of, planned
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
    ({"search__sampler": GRID}, None, "GridSampler gives points again"),
]


@pytest.mark.parametrize(("settings", "batch", "why"), IN_TURN)
def test_trials_that_cannot_train_together_do_not_and_a_number_of_lanes_is_refused(
    tmp_path: Path, settings: dict[str, Any], batch: int | None, why: str
) -> None:
    given = space(tmp_path, **settings)
    if batch is None:
        assert isinstance(planned(given, CPU, WorkerOptions(fuse="auto")).engine, Serial)

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
    ("trials", "count", "engine"), [(11, 1, Serial), (12, 1, Fused), (79, 2, Serial), (80, 2, Fused)]
)
def test_trials_are_put_together_only_if_two_thirds_of_them_can_learn_from_the_first(
    tmp_path: Path, trials: int, count: int, engine: type
) -> None:
    given = space(tmp_path, search__trials=trials)

    assert isinstance(planned(given, CPU, WorkerOptions(workers=count, fuse="auto")).engine, engine)


@pytest.mark.parametrize(
    ("settings", "most", "width"),
    [
        ({}, 8, 8),  # its sampler learns
        ({"search__sampler": {"type": "RandomSampler"}}, 66, 32),  # its trials are pruned by what others reached
        ({"search__pruner": None}, 8, 8),
        ({"search__sampler": {"type": "RandomSampler"}, "search__pruner": None}, 200, 64),
        (
            {
                "search__sampler": {"type": "QMCSampler"},
                "search__pruner": None,
                "search__stop": {"target": 0.9},
            },
            66,
            32,
        ),
    ],
)
def test_few_are_in_flight_where_the_sampler_learns_and_all_may_be_where_nothing_does(
    tmp_path: Path, settings: dict[str, Any], most: int, width: int
) -> None:
    given = space(tmp_path, search__trials=200, **settings)
    engine = planned(given, CPU, WorkerOptions(fuse="auto")).engine

    assert isinstance(engine, Fused)
    assert (engine.most, engine.width) == (most, width)
    assert int(share_ahead(feedback_of(given.search)) * 200) in (66, most)


@pytest.mark.parametrize(("trials", "most"), [(12, 4), (30, 4), (60, 6), (80, 8), (1000, 8)])
def test_the_more_a_sampler_learns_from_the_fewer_it_may_not_know(tmp_path: Path, trials: int, most: int) -> None:
    engine = planned(space(tmp_path, search__trials=trials), CPU, WorkerOptions(fuse="auto")).engine

    assert isinstance(engine, Fused)
    assert engine.most == most
    assert engine.pays == 1.5
