from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.training.conftest import CPU, PLAIN, config, train
from tuner.config import Config
from tuner.runtime.generators import order
from tuner.space import Space
from tuner.space.suggest import Corner
from tuner.training import Job, Run, batches_of, epochs_of, groups_of, step, train_epoch


def weights(run: Run) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in run.model.parameters()])


def rows_of(run: Run) -> tuple[Tensor, Tensor]:
    """The training rows in memory, in their order."""
    return next(iter(run.dataset.train.batches([torch.arange(len(run.dataset.train))], 0)))


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


def test_a_loss_curve_by_plain_torch_guards_the_loop(job: Job) -> None:
    by_hand = Run.build(job, config(PLAIN), seed=3)
    inputs, targets = rows_of(by_hand)
    optimizer = torch.optim.SGD(by_hand.model.parameters(), lr=0.1)
    losses = []
    for epoch in (1, 2):
        total = 0.0
        for batch in torch.split(order(len(inputs), 3, epoch), 64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(by_hand.model(inputs[batch]), targets[batch])
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(inputs))

    found = [metrics["train_loss"] for metrics in train(job, 3, settings=PLAIN)]

    assert found == pytest.approx(losses, rel=1e-5)
    assert losses == pytest.approx([2.2129, 1.83654], rel=1e-3), "the seeds, the order or the data are others"


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "RMSprop", "LBFGS"])
def test_any_optimizer_steps_even_one_that_needs_a_closure(job: Job, optimizer: str) -> None:
    settings = {**PLAIN, "optimizer": {"type": optimizer, "lr": 0.02}}

    losses = [metrics["train_loss"] for metrics in train(job, 0, settings=settings)]

    assert losses[1] < losses[0]


def test_lbfgs_trains_a_network_whose_channels_come_last_as_plain_torch_trains_one_whose_do_not(job: Job) -> None:
    settings = {
        "model": {"type": "CNN", "channels": [4]},
        "scheduler": None,
        "optimizer": {"type": "LBFGS", "lr": 0.1, "max_iter": 3},
    }
    run = Run.build(job, config(settings), 0)
    model = copy.deepcopy(run.model).to(memory_format=torch.contiguous_format)
    (inputs, targets), *_ = run.dataset.train.batches([torch.arange(200)], 0)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss

    found = [float(step(run, [(inputs, targets)])) for _ in range(3)]
    # torch leaves it untyped
    by_hand = [optimizer.step(closure).item() for _ in range(3)]  # type: ignore[no-untyped-call]

    # a Sequential
    assert run.model.features[0].weight.is_contiguous(memory_format=torch.channels_last)  # type: ignore[union-attr,index]
    assert found == pytest.approx(by_hand, rel=1e-3)
    assert found[2] < found[0]


@pytest.mark.parametrize("class_weights", [None, "balanced"])
@pytest.mark.parametrize(("batch_size", "accumulate"), [(16, 4), (50, 3), (7, 2)])
def test_accumulating_k_batches_is_one_batch_of_k_times_the_rows(
    job: Job, batch_size: int, accumulate: int, class_weights: str | None
) -> None:
    """1,149 rows: the last step is incomplete in each case."""
    parts = {"data.batch_size": batch_size, "training.accumulate": accumulate}
    whole = {"data.batch_size": batch_size * accumulate}
    common = {**PLAIN, "training.class_weights": class_weights}
    accumulated, at_once = (Run.build(job, config({**common, **own}), 0) for own in (parts, whole))

    losses = [train_epoch(run, 1) for run in (accumulated, at_once)]

    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert torch.allclose(weights(accumulated), weights(at_once), atol=1e-6, rtol=0)


def test_a_schedule_per_step_counts_accumulated_steps(job: Job) -> None:
    settings = {**PLAIN, "scheduler": {"type": "OneCycleLR", "max_lr": 0.5}, "training.accumulate": 5}
    built = Run.build(job, config(settings), 0)
    rates: list[float] = []

    def advance() -> None:
        rates.append(built.optimizer.param_groups[0]["lr"])
        built.advance()

    run = replace(built, advance=advance)

    for epoch in range(1, 5):
        train_epoch(run, epoch)

    assert len(rates) == 16  # 1,149 rows in steps of 320, four times
    assert max(rates) == pytest.approx(0.5, rel=0.1)
    assert rates[-1] == pytest.approx(0.5 / 25 / 1e4)  # where OneCycleLR ends


@pytest.mark.parametrize("clip", [0.05, {"norm": 0.05}, {"value": 0.003}])
def test_gradients_are_clipped_before_the_step(job: Job, clip: Any) -> None:
    run = Run.build(job, config({**PLAIN, "training.clip": clip}), 0)
    free = Run.build(job, config(PLAIN), 0)
    inputs, targets = (part[:64] for part in rows_of(run))
    before = weights(run)
    # torch leaves it untyped
    functional.cross_entropy(free.model(inputs), targets).backward()  # type: ignore[no-untyped-call]
    if clip == {"value": 0.003}:
        torch.nn.utils.clip_grad_value_(free.model.parameters(), 0.003)
    else:
        torch.nn.utils.clip_grad_norm_(free.model.parameters(), 0.05)
    gradients = torch.cat(
        [parameter.grad.flatten() for parameter in free.model.parameters() if parameter.grad is not None]
    )

    step(run, [(inputs, targets)])

    assert torch.allclose(weights(run), before - 0.1 * gradients, atol=1e-7)


def test_the_average_of_the_weights_is_what_is_scored(job: Job) -> None:
    decay = 0.5
    run = Run.build(job, config({**PLAIN, "training.ema": decay}), 0)
    plain = Run.build(job, config(PLAIN), 0)
    inputs, targets = rows_of(run)
    batches = [[(inputs[i : i + 64], targets[i : i + 64])] for i in (0, 64, 128)]
    average = None
    for batch in batches:
        step(plain, batch)
        average = weights(plain) if average is None else decay * average + (1 - decay) * weights(plain)
        step(run, batch)

    scored = torch.cat([parameter.detach().flatten() for parameter in run.scored.parameters()])

    assert average is not None
    assert torch.allclose(scored, average, atol=1e-6)
    assert torch.equal(weights(run), weights(plain))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_model_computes_in_half_precision_and_keeps_its_weights_whole(job: Job, precision: str) -> None:
    seen = []
    run = Run.build(job, config({**PLAIN, "training.precision": precision}), 0)
    run.model.register_forward_hook(lambda module, inputs, outputs: seen.append(outputs.dtype))

    losses = [train_epoch(run, epoch) for epoch in (1, 2, 3)]

    assert set(seen) == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert losses[2] < losses[0]
    assert {parameter.dtype for parameter in run.model.parameters()} == {torch.float32}


def test_a_run_ends_when_it_has_not_got_better_for_too_long(job: Job) -> None:
    """A learning rate of 0 changes nothing, so no epoch after the first is better."""
    settings = {"optimizer": {"type": "SGD", "lr": 0.0}, "training.early_stop": {"patience": 2}}

    epochs = train(job, 0, stop=4, settings={**PLAIN, **settings, "model": {"type": "MLP"}})

    assert len(epochs) == 3


DATA = """\
data: {{type: digits, batch_size: 64, loader: {loader}, transforms: {transforms}}}
model: {{type: CNN, channels: [4], dropout: 0.2}}
optimizer: {{type: Adam, lr: 0.01}}
training: {{epochs: 2}}
"""


def metrics_of(text: str) -> list[Mapping[str, float]]:
    plain: Config = Space.parse(text).resolve(Corner(False, {}))
    job = Job.for_search(plain, 0, CPU)
    return [metrics for _, metrics, _ in epochs_of([Run.build(job, plain, 0)], job, 1, 2)]


@pytest.mark.parametrize("transforms", ["[]", "[{type: RandomCrop, size: 8, padding: 2}, RandomHorizontalFlip]"])
def test_streamed_rows_train_the_same_as_resident_ones(transforms: str) -> None:
    resident, streamed = (
        metrics_of(DATA.format(loader=loader, transforms=transforms)) for loader in ("memory", "stream")
    )

    assert resident == streamed


def test_every_row_is_trained_on_once_an_epoch(job: Job) -> None:
    seen: list[int] = []
    job = Job.for_search(config(), 0, CPU)
    run = Run.build(job, config({"data.batch_size": 100}), 0)
    run.model.register_forward_hook(lambda module, inputs, outputs: seen.append(len(outputs)))

    train_epoch(run, 1)

    assert sum(seen) == len(run.dataset.train) == 1149


@pytest.mark.parametrize(
    ("rows", "size", "expected"),
    [(10, 4, [4, 4, 2]), (9, 4, [4, 5]), (8, 4, [4, 4]), (3, 1, [1, 1, 1]), (1, 4, [1]), (5, 5, [5])],
)
def test_every_row_is_in_one_batch_and_none_is_left_alone(rows: int, size: int, expected: list[int]) -> None:
    batches = batches_of(torch.arange(rows), size)

    assert [len(batch) for batch in batches] == expected
    assert torch.equal(torch.cat(batches), torch.arange(rows))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(12, [[2, 2, 2], [2, 2, 2]]), (13, [[2, 2, 2], [2, 2, 3]]), (14, [[2, 2, 2], [2, 2, 2], [2]]), (3, [[3]])],
)
def test_a_step_takes_its_batches_from_one_group(rows: int, expected: list[list[int]]) -> None:
    groups = groups_of(torch.arange(rows), 2, 3)

    assert [[len(batch) for batch in group] for group in groups] == expected
    assert torch.equal(torch.cat([batch for group in groups for batch in group]), torch.arange(rows))
