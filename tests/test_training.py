from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from tuner.config import Config
from tuner.errors import BuildError, UsageError
from tuner.space import Space
from tuner.space.suggesters import Corner
from tuner.training import Job, Run, batches_of, device_of, epochs_of, evaluate, order, outputs_of

TEXT = """\
data: {type: digits, batch_size: 64}
model: {type: CNN, channels: [4, 4], dropout: 0.2}
optimizer: {type: Adam, lr: 0.01}
scheduler: {type: CosineAnnealingLR}
training: {epochs: 4}
"""
CPU = torch.device("cpu")


def config(**settings: Any) -> Config:
    pairs = [(path.replace("__", "."), value) for path, value in settings.items()]
    return Space.parse(TEXT, settings=pairs).resolve(Corner(False, {}))


@pytest.fixture(scope="module")
def job() -> Job:
    return Job.for_search(config(), 0, CPU)


def train(job: Job, seed: int, stop: int = 2, **settings: Any) -> list[Mapping[str, float]]:
    run = Run.build(job, config(**settings), seed)
    return [metrics for _, metrics, _ in epochs_of(run, job, 1, stop)]


def test_the_same_seed_gives_the_same_training_and_another_seed_another(job: Job) -> None:
    first, again, other = train(job, 1), train(job, 1), train(job, 2)

    assert first == again
    assert first != other


def test_what_ran_before_changes_nothing(job: Job) -> None:
    alone = train(job, 1)
    torch.rand(17)
    train(job, 5)

    assert train(job, 1) == alone


def test_training_learns(job: Job) -> None:
    assert train(job, 0, stop=4)[-1]["accuracy"] > 0.8


def test_a_pinned_loss_curve_guards_the_loop() -> None:
    """Plain torch, written out: the loop must do just this."""
    job = Job.for_search(config(), 0, CPU)
    settings = {"model": {"type": "MLP", "hidden": [8]}, "scheduler": None, "optimizer.lr": 0.05}
    plain = Space.parse(TEXT, settings=list(settings.items())).resolve(Corner(False, {}))
    run = Run.build(job, plain, seed=3)
    by_hand = Run.build(job, plain, seed=3)
    train, model = job.dataset.train, by_hand.model
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for epoch in (1, 2):
        total = 0.0
        for batch in torch.split(order(len(train), 3, epoch), 64):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(train.inputs[batch]), train.targets[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(train))

    found = [metrics["train_loss"] for _, metrics, _ in epochs_of(run, job, 1, 2)]

    assert found == pytest.approx(losses, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "RMSprop", "LBFGS"])
def test_any_optimizer_steps_even_one_that_needs_a_closure(job: Job, optimizer: str) -> None:
    losses = [metrics["train_loss"] for metrics in train(job, 0, optimizer={"type": optimizer, "lr": 0.02})]

    assert losses[1] < losses[0]


def test_scoring_neither_trains_nor_draws(job: Job) -> None:
    run = Run.build(job, config(), 0)
    assert job.dataset.valid is not None
    before = {key: value.clone() for key, value in run.model.state_dict().items()}

    first = evaluate(run.model, job.dataset.valid, job.scores)
    second = evaluate(run.model, job.dataset.valid, job.scores)

    assert first == second
    assert all(torch.equal(before[key], value) for key, value in run.model.state_dict().items())


def test_outputs_do_not_depend_on_how_rows_are_grouped(job: Job) -> None:
    run = Run.build(job, config(), 0)
    rows = job.dataset.train.inputs.repeat(2, 1, 1, 1)

    together = outputs_of(run.model, rows)

    assert len(together) == len(rows)
    assert torch.allclose(together[:1100], outputs_of(run.model, rows[:1100]), atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (8, 4, [4, 4]), (3, 1, [1, 1, 1]), (1, 4, [1]), (5, 5, [5])],
)
def test_every_row_is_in_one_batch_and_none_is_left_alone(rows: int, size: int, expected: list[int]) -> None:
    batches = batches_of(torch.arange(rows), size)

    assert [len(batch) for batch in batches] == expected
    assert torch.equal(torch.cat(batches), torch.arange(rows))


def test_each_epoch_visits_every_row_in_an_order_of_its_own() -> None:
    first, second = order(100, 0, 1), order(100, 0, 2)

    assert torch.equal(first.sort().values, torch.arange(100))
    assert not torch.equal(first, second)
    assert torch.equal(first, order(100, 0, 1))


def test_a_training_goes_on_from_its_checkpoint_bit_for_bit(job: Job) -> None:
    settings = {
        "scheduler": {"type": "OneCycleLR", "max_lr": 0.05},
        "optimizer": {"type": "SGD", "lr": 0.05, "momentum": 0.9},
    }
    whole = train(job, 7, stop=4, **settings)
    first = Run.build(job, config(**settings), 7)
    list(epochs_of(first, job, 1, 2))
    second = Run.build(job, config(**settings), 99)

    progress = second.restore(first.state({"trained": 2}))
    rest = [
        metrics
        for _, metrics, _ in epochs_of(
            Run(second.model, second.optimizer, second.schedule, second.loss, 64, 7), job, 3, 4
        )
    ]

    assert progress == {"trained": 2}
    assert rest == whole[2:]


def test_a_batch_larger_than_the_training_split_is_refused(job: Job) -> None:
    with pytest.raises(
        BuildError, match=r"data\.batch_size: a batch of 5000 is larger than the training split of 1149 rows"
    ):
        train(job, 0, data__batch_size=5000)


def test_a_device_that_is_not_there_is_refused() -> None:
    assert device_of("cpu") == CPU
    with pytest.raises(UsageError, match="--device tpu: not on this machine, which has cpu"):
        device_of("tpu")
