from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from tests.training.conftest import CPU, PLAIN, config
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, epochs_of, evaluate, loop, outputs_of


def test_scoring_neither_trains_nor_draws(job: Job) -> None:
    run = Run.build(job, config(), 0)
    dataset = run.dataset
    assert dataset.valid is not None
    before = {key: value.clone() for key, value in run.model.state_dict().items()}
    state = torch.get_rng_state()

    first = evaluate(run, dataset.valid, job.scores)
    second = evaluate(run, dataset.valid, job.scores)

    assert first == second
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in run.model.state_dict().items())


def test_outputs_do_not_depend_on_how_rows_are_grouped(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.build(job, config(), 0)
    together = outputs_of(run.model, run.dataset.train, run.dataset)
    monkeypatch.setattr(loop, "MOST_ROWS", 100)

    apart = outputs_of(run.model, run.dataset.train, run.dataset)

    assert len(together) == len(run.dataset.train)
    assert torch.allclose(together, apart, atol=1e-5)


def test_a_model_that_trains_in_bf16_is_scored_in_bf16(job: Job) -> None:
    settings = {**PLAIN, "training.precision": "bf16"}
    run = Run.build(job, config(settings), 0)
    *_, (_, metrics, _) = epochs_of([run], job, 1, 2)
    valid = run.dataset.valid
    assert valid is not None
    inputs = torch.cat(list(valid.in_order(1000)))

    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        in_bf16 = run.model(inputs).float()
    with torch.inference_mode():
        in_fp32 = run.model(inputs)

    losses = [float(functional.cross_entropy(outputs, valid.targets)) for outputs in (in_bf16, in_fp32)]
    assert metrics["loss"] == pytest.approx(losses[0], rel=1e-6)
    assert metrics["loss"] != pytest.approx(losses[1], rel=1e-6)


def test_a_regression_is_scored_in_the_units_of_its_targets() -> None:
    """A model that always gives 0 in scaled terms predicts the mean of the training targets."""
    text = "{data: {type: diabetes}, model: {type: Linear}, optimizer: {type: SGD, lr: 0.1}}"
    plain = Space.parse(text).resolve(Corner(False, {}))
    job = Job.for_search(plain, 0, CPU)
    run = Run.build(job, plain, 0)
    for parameter in run.model.parameters():
        torch.nn.init.zeros_(parameter)
    assert run.dataset.valid is not None

    scores = evaluate(run, run.dataset.valid, job.scores)

    mean = job.splits.train.targets.mean()
    errors = run.dataset.valid.targets - mean
    assert scores["mse"] == pytest.approx(float((errors**2).mean()), rel=1e-5)
    assert scores["mae"] == pytest.approx(float(errors.abs().mean()), rel=1e-5)
    assert scores["loss"] == pytest.approx(scores["mse"], rel=1e-6)


KEEPS_TENSORS = """
import functools
import torch
from torch import nn

@functools.lru_cache
def ramp(width):
    return torch.linspace(0.5, 1.5, width)

class Cached(nn.Linear):
    def __init__(self, in_features, num_classes):
        super().__init__(in_features, num_classes)
    def forward(self, x):
        return super().forward(x.flatten(1)) * ramp(self.out_features)
"""


def test_a_tensor_that_user_code_caches_while_it_is_scored_can_be_trained_with(job: Job, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(KEEPS_TENSORS)
    text = "{data: {type: digits}, model: {type: 'net.py:Cached'}, optimizer: {type: SGD, lr: 0.1}}"
    chosen = Space.parse(text, base=tmp_path).resolve(Corner(False, {}))
    run = Run.build(job, chosen, 0)
    assert run.dataset.valid is not None

    before = evaluate(run, run.dataset.valid, job.scores)
    *_, (_, metrics, _) = epochs_of([run], job, 1, 2)

    assert metrics["accuracy"] > before["accuracy"]
