"""The policy of fusing: how many trials train together, and how many are asked for ahead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.lanes import job_of
from tuner.engines.fused import Fused
from tuner.engines.fused.policy import Feedback, Workload, engine_for, share_ahead
from tuner.engines.serial import Serial
from tuner.training import Job

USUAL = Workload(trials=200, workers=1, feedback=Feedback.SAMPLES)


@pytest.fixture(scope="module")
def job() -> Job:
    return job_of()


def fused(job: Job, workload: Workload, width: int | None = None) -> Fused:
    engine = engine_for(job, 1e9, workload, width)
    assert isinstance(engine, Fused)
    return engine


@pytest.mark.parametrize(
    ("trials", "workers", "engine"), [(11, 1, Serial), (12, 1, Fused), (79, 2, Serial), (80, 2, Fused)]
)
def test_trials_are_put_together_only_if_two_thirds_of_them_can_learn_from_the_first(
    job: Job, trials: int, workers: int, engine: type
) -> None:
    workload = replace(USUAL, trials=trials, workers=workers)

    assert isinstance(engine_for(job, 1e9, workload, None), engine)


@pytest.mark.parametrize(
    ("feedback", "most", "width"), [(Feedback.SAMPLES, 8, 8), (Feedback.STOPS, 66, 32), (Feedback.NOTHING, 200, 64)]
)
def test_few_are_in_flight_where_the_sampler_learns_and_all_may_be_where_nothing_does(
    job: Job, feedback: Feedback, most: int, width: int
) -> None:
    engine = fused(job, replace(USUAL, feedback=feedback))

    assert (engine.most, engine.width) == (most, width)
    assert int(share_ahead(feedback) * USUAL.trials) == max(66, most)


@pytest.mark.parametrize(("trials", "most"), [(12, 4), (30, 4), (60, 6), (80, 8), (1000, 8)])
def test_the_more_a_sampler_learns_from_the_fewer_it_may_not_know(job: Job, trials: int, most: int) -> None:
    engine = fused(job, replace(USUAL, trials=trials))

    assert engine.most == most
    assert engine.pays == 1.5


def test_as_many_train_together_as_are_asked_for(job: Job) -> None:
    engine = fused(job, replace(USUAL, trials=5), width=8)

    assert (engine.width, engine.most, engine.forced) == (8, 16, True)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ({"in_order": True}, "--deterministic trains each trial by itself"),
        ({"calls_function": True}, "objective.function trains each trial by itself"),
        ({"may_be_killed": True}, "a trial that is killed at its limit would take others along"),
        ({"repeated_by": "GridSampler"}, "GridSampler gives points again while others train"),
    ],
    ids=["in order", "function", "limit", "repeated"],
)
def test_some_studies_train_in_turn_whatever_their_trials_are(job: Job, kind: dict[str, Any], why: str) -> None:
    workload = replace(USUAL, **kind)

    assert workload.why_in_turn == why
    assert isinstance(engine_for(job, 1e9, workload, 8), Serial)
