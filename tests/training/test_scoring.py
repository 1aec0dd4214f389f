from __future__ import annotations

import pytest
import torch

from tests.training.conftest import CPU, config
from tuner.space import Space
from tuner.space.suggesters import Corner
from tuner.training import Job, Run, evaluate, outputs_of, scoring


def test_scoring_neither_trains_nor_draws(job: Job) -> None:
    run = Run.build(job, config(), 0)
    dataset = run.dataset
    assert dataset.valid is not None
    before = {key: value.clone() for key, value in run.model.state_dict().items()}
    state = torch.get_rng_state()

    first = evaluate(run.model, dataset.valid, dataset, job.scores, run.loss.link)
    second = evaluate(run.model, dataset.valid, dataset, job.scores, run.loss.link)

    assert first == second
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in run.model.state_dict().items())


def test_outputs_do_not_depend_on_how_rows_are_grouped(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.build(job, config(), 0)
    together = outputs_of(run.model, run.dataset.train, run.dataset)
    monkeypatch.setattr(scoring, "MOST_ROWS", 100)

    apart = outputs_of(run.model, run.dataset.train, run.dataset)

    assert len(together) == len(run.dataset.train)
    assert torch.allclose(together, apart, atol=1e-5)


def test_a_regression_is_scored_in_the_units_of_its_targets() -> None:
    """A model that always gives 0 in scaled terms predicts the mean of the training targets."""
    text = "{data: {type: diabetes}, model: {type: Linear}, optimizer: {type: SGD, lr: 0.1}}"
    plain = Space.parse(text).resolve(Corner(False, {}))
    job = Job.for_search(plain, 0, CPU)
    run = Run.build(job, plain, 0)
    for parameter in run.model.parameters():
        torch.nn.init.zeros_(parameter)
    assert run.dataset.valid is not None

    scores = evaluate(run.model, run.dataset.valid, run.dataset, job.scores, run.loss.link)

    mean = job.splits.train.targets.mean()
    errors = run.dataset.valid.targets - mean
    assert scores["mse"] == pytest.approx(float((errors**2).mean()), rel=1e-5)
    assert scores["mae"] == pytest.approx(float(errors.abs().mean()), rel=1e-5)
    assert scores["loss"] == pytest.approx(scores["mse"], rel=1e-6)
