"""The trivial predictor of a trial of folds has the mean over them, as the trial has."""

from __future__ import annotations

import statistics

import torch

from tuner import preflight
from tuner.executors.worker_options import WorkerOptions
from tuner.search.plan import planned
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training.baseline import Baseline, mean_of

FOLDS = """\
data: {type: breast_cancer, folds: 4}
model: {type: MLP, hidden: [8]}
optimizer: {type: SGD, lr: 0.1}
training: {epochs: 1}
"""


def test_its_score_is_the_mean_over_folds_of_the_class_that_is_most_frequent_in_training() -> None:
    space = Space.parse(FOLDS)
    baseline = planned(space, torch.device("cpu"), WorkerOptions()).baseline
    section = space.resolve(Corner(False, {})).data
    folds = [fold.dataset(section) for fold in preflight.load_job(space, torch.device("cpu")).folds]
    shares = [
        float((fold.valid.targets == fold.train.targets.mode().values).float().mean())
        for fold in folds
        if fold.valid is not None
    ]

    assert baseline is not None
    assert len(shares) == 4
    assert abs(baseline.values["accuracy"] - statistics.fmean(shares)) < 1e-6
    assert baseline.rows == sum(len(fold.valid) for fold in folds if fold.valid is not None)


def test_a_metric_that_a_fold_lacks_has_no_mean_and_answers_that_differ_are_all_named() -> None:
    one = Baseline({"accuracy": 0.5, "auc": 0.5}, {"accuracy": 'always "a"', "auc": 'always "a"'}, 10)
    other = Baseline({"accuracy": 0.7}, {"accuracy": 'always "b"'}, 12)

    mean = mean_of([one, other])

    assert (dict(mean.values), mean.rows) == ({"accuracy": 0.6}, 22)
    assert mean.says == {"accuracy": 'always "a" or always "b"'}
