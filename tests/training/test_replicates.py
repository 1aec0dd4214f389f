"""A trial on several folds and from several seeds, against loops over each of them alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from tests.support.ports import FakePort
from tests.support.spaces import FOUR_EPOCHS
from tuner import data
from tuner.engines.run_trial import run_trial
from tuner.protocol import State, Trial, Verdict
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, epochs_of
from tuner.training.replicates import seeds_of

CPU = torch.device("cpu")
SETTINGS: dict[str, Any] = {"data.folds": 3, "training.seeds": 2}


def made(settings: Mapping[str, Any]) -> tuple[Job, Trial]:
    space = Space.parse(FOUR_EPOCHS, settings=list(settings.items()))
    job = Job.for_search(space.resolve(Corner(False, {})), 0, CPU)
    return job, Trial(0, 1, space.fill(Corner(False, {})), seed=5)


def test_a_trial_reports_the_means_of_trainings_on_each_fold_from_each_seed() -> None:
    job, trial = made(SETTINGS)
    port = FakePort()

    outcome = run_trial(job, trial, port, 1e9)

    config = Space.parse(FOUR_EPOCHS, settings=list(SETTINGS.items())).resolve(Corner(False, {}))
    alone = []
    for number, seed in enumerate(seeds_of(5, 6)):
        own = Job.over(data.for_search(config.data, ".", 0).folds[number // 2], config, CPU)
        alone.append([metrics for _, metrics, _ in epochs_of([Run.build(own, config, seed)], own, 1, 4)])
    for epoch, reported in enumerate(port.epochs):
        for name in alone[0][epoch]:
            values = [metrics[epoch][name] for metrics in alone]
            assert reported.metrics[name] == pytest.approx(statistics.fmean(values), rel=1e-5), name
        values = [metrics[epoch]["accuracy"] for metrics in alone]
        assert reported.metrics["accuracy_std"] == pytest.approx(statistics.stdev(values), rel=1e-5)
    means = [epoch.metrics["accuracy"] for epoch in port.epochs]
    assert (outcome.state, outcome.values) == (State.COMPLETE, (max(means),))


def test_a_trial_without_folds_and_seeds_has_no_deviation() -> None:
    job, trial = made({})
    port = FakePort()

    run_trial(job, trial, port, 1e9)

    assert "accuracy_std" not in port.epochs[0].metrics


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS | {"training.ema": 0.9}])
def test_a_suspended_trial_goes_on_on_all_of_its_folds(settings: dict[str, Any]) -> None:
    job, trial = made(settings)
    whole, parted = FakePort(), FakePort(verdicts={2: Verdict.SUSPEND})
    expected = run_trial(job, trial, whole, 1e9)

    assert run_trial(job, trial, parted, 1e9).state is State.SUSPENDED
    parted.verdicts = {}
    found = run_trial(job, trial, parted, 1e9)

    assert found == expected
    assert [epoch.metrics for epoch in parted.epochs] == [epoch.metrics for epoch in whole.epochs]


def test_patience_watches_the_mean() -> None:
    job, trial = made(SETTINGS | {"training.epochs": 40, "training.early_stop": {"patience": 2}})
    port = FakePort()

    run_trial(job, trial, port, 1e9)

    means = [epoch.metrics["accuracy"] for epoch in port.epochs]
    best = means.index(max(means))
    assert len(means) == best + 3 < 40
