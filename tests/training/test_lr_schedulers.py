from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, lr_scheduler

from tuner.config import Component
from tuner.errors import BuildError
from tuner.goal import Direction
from tuner.training import lr_schedulers
from tuner.training.lr_schedulers import Schedule

EPOCHS, BATCHES = 6, 4


def rates(component: Component | None, value: float = 0.5, taken: int = BATCHES) -> list[float]:
    """The learning rate of every batch of a run."""
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    plan = Schedule(component, optimizer, EPOCHS, BATCHES, Direction.MAXIMIZE, taken)
    seen = []
    for _ in range(EPOCHS):
        for _ in range(taken):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            plan.after_step()
        plan.after_epoch(value)
    return seen


def by_torch(cls: Any, per_step: bool, **arguments: Any) -> list[float]:
    """The same, written by hand as torch documents it."""
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    scheduler = cls(optimizer, **arguments)
    seen = []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_step:
                scheduler.step()
        if not per_step:
            scheduler.step()
    return seen


@pytest.mark.parametrize(
    ("component", "per_step", "written_out"),
    [
        (Component("CosineAnnealingLR"), False, {"T_max": EPOCHS}),
        (Component("CosineAnnealingLR", {"T_max": 3}), False, {"T_max": 3}),
        (Component("OneCycleLR", {"max_lr": 0.3}), True, {"max_lr": 0.3, "total_steps": EPOCHS * BATCHES}),
        (Component("OneCycleLR", {"max_lr": 0.3, "total_steps": 30}), True, {"max_lr": 0.3, "total_steps": 30}),
        (Component("OneCycleLR", {"max_lr": 0.3, "epochs": 9}), True, {"max_lr": 0.3, "total_steps": 9 * BATCHES}),
        (Component("StepLR", {"step_size": 2}), False, {"step_size": 2}),
        (Component("ExponentialLR", {"gamma": 0.9}), False, {"gamma": 0.9}),
        (
            Component("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}),
            True,
            {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3},
        ),
        (Component("MultiStepLR", {"milestones": [2, 4]}), False, {"milestones": [2, 4]}),
    ],
)
def test_a_schedule_is_stepped_as_its_class_wants(
    component: Component, per_step: bool, written_out: dict[str, Any]
) -> None:
    assert rates(component) == by_torch(getattr(lr_scheduler, component.type), per_step, **written_out)


@pytest.mark.parametrize("taken", [1, 3, 5, 11])
@pytest.mark.parametrize(
    "component",
    [
        Component("OneCycleLR", {"max_lr": 0.3, "total_steps": EPOCHS * BATCHES}),
        Component("OneCycleLR", {"max_lr": 0.3, "epochs": EPOCHS, "steps_per_epoch": BATCHES}),
        Component("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}),
    ],
)
def test_epochs_of_more_steps_begin_with_the_rates_that_they_were_laid_out_with(
    component: Component, taken: int
) -> None:
    expected = by_torch(getattr(lr_scheduler, component.type), True, **component.args)[::BATCHES]

    assert rates(component, taken=taken)[::taken] == expected


def test_without_a_schedule_the_rate_stays() -> None:
    assert set(rates(None)) == {0.1}


def test_a_plateau_is_watched_in_the_direction_of_the_objective() -> None:
    falls = rates(Component("ReduceLROnPlateau", {"patience": 0, "factor": 0.1}), value=0.5)

    assert falls[-1] < 0.1  # an accuracy that stands still is a plateau
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    plan = Schedule(Component("ReduceLROnPlateau", {"patience": 0}), optimizer, 3, 1, Direction.MAXIMIZE)
    for accuracy in (0.1, 0.2, 0.3):
        plan.after_epoch(accuracy)
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(
    ("component", "message"),
    [
        (Component("CosineLR"), "did you mean CosineAnnealing"),
        (Component("LambdaLR", {"lr_lambda": "x"}), "cannot be written in a space: it takes a function"),
        (Component("OneCycleLR", {"max_lr": 0.1, "pct_start": 7}), "OneCycleLR refuses its arguments"),
        (Component("OneCycleLR", {"max_lr": 0.1, "total_steps": 23}), "ends after 23 steps, and 6 epochs of 4 take 24"),
    ],
)
def test_what_cannot_be_built_is_refused(component: Component, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        rates(component)

    assert message in str(caught.value)


def test_schedulers_in_a_list_follow_each_other_for_their_epochs() -> None:
    """Two epochs from a tenth of the rate up to it, then half a cosine over the other four."""
    warm_up = {"type": "LinearLR", "start_factor": 0.1, "epochs": 2}
    sequence = Component("SequentialLR", {"schedulers": [warm_up, {"type": "CosineAnnealingLR"}]})

    by_epoch = rates(sequence)[::BATCHES]

    cosine = [0.05 * (1 + math.cos(math.pi * i / 4)) for i in range(4)]
    assert by_epoch == pytest.approx([0.01, 0.055, *cosine])


def test_the_length_of_a_part_may_be_its_own_total() -> None:
    parts = [{"type": "ConstantLR", "factor": 0.5, "total_iters": 3}, {"type": "ExponentialLR", "gamma": 0.5}]

    by_epoch = rates(Component("SequentialLR", {"schedulers": parts}))[::BATCHES]

    assert by_epoch == pytest.approx([0.05, 0.05, 0.05, 0.1, 0.05, 0.025])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [{"type": "ExponentialLR", "gamma": 0.5}, {"type": "CosineAnnealingLR"}],
            "say for how many epochs ExponentialLR",
        ),
        (
            [{"type": "LinearLR", "epochs": 6}, {"type": "CosineAnnealingLR"}],
            "training.epochs, 6, leave no epoch to Cosine",
        ),
        ([], "at least one scheduler"),
    ],
)
def test_a_sequence_that_cannot_be_laid_out_is_refused(parts: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        rates(Component("SequentialLR", {"schedulers": parts}))


@pytest.mark.parametrize("name", ["OneCycleLR", "CyclicLR", "ReduceLROnPlateau", "SequentialLR"])
def test_a_class_that_does_not_go_epoch_by_epoch_has_no_place_in_a_sequence(name: str) -> None:
    with pytest.raises(BuildError, match=f"{name} has no place in a sequence"):
        list(lr_schedulers.part_faults(Component(name)))


def test_a_missing_argument_that_is_no_total_is_said() -> None:
    assert dict(lr_schedulers.argument_faults(Component("StepLR"))) == {"": "StepLR needs step_size"}
    assert dict(lr_schedulers.argument_faults(Component("CosineAnnealingLR"))) == {}


def test_a_schedule_goes_on_where_its_state_was_taken() -> None:
    component = Component("OneCycleLR", {"max_lr": 0.3})
    whole = rates(component)
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    plan = Schedule(component, optimizer, EPOCHS, BATCHES, Direction.MINIMIZE)
    for _ in range(10):
        optimizer.step()
        plan.after_step()
    fresh = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    restored = Schedule(component, fresh, EPOCHS, BATCHES, Direction.MINIMIZE)

    restored.load_state_dict(plan.state_dict())
    fresh.load_state_dict(optimizer.state_dict())
    restored.after_step()

    assert fresh.param_groups[0]["lr"] == whole[11]
    assert torch.is_tensor(fresh.param_groups[0]["lr"]) is False
