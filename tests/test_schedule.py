from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, lr_scheduler

from tuner import schedule
from tuner.config import Component, Direction
from tuner.errors import BuildError
from tuner.schedule import Schedule

EPOCHS, BATCHES = 6, 4


def rates(component: Component | None, value: float = 0.5) -> list[float]:
    """The learning rate of every batch of a run."""
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    plan = Schedule(component, optimizer, EPOCHS, BATCHES, Direction.MAXIMIZE)
    seen = []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            plan.after_batch()
        plan.after_epoch(value)
    return seen


def by_torch(cls: Any, per_batch: bool, **arguments: Any) -> list[float]:
    """The same, written by hand as torch documents it."""
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    scheduler = cls(optimizer, **arguments)
    seen = []
    for _ in range(EPOCHS):
        for _ in range(BATCHES):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
    return seen


@pytest.mark.parametrize(
    ("component", "per_batch", "written_out"),
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
    component: Component, per_batch: bool, written_out: dict[str, Any]
) -> None:
    assert rates(component) == by_torch(getattr(lr_scheduler, component.type), per_batch, **written_out)


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
    ],
)
def test_what_cannot_be_built_is_refused(component: Component, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        rates(component)

    assert message in str(caught.value)


def test_a_missing_argument_that_is_no_total_is_said() -> None:
    assert dict(schedule.argument_faults(Component("StepLR"))) == {"": "StepLR needs step_size"}
    assert dict(schedule.argument_faults(Component("CosineAnnealingLR"))) == {}


def test_a_schedule_goes_on_where_its_state_was_taken() -> None:
    component = Component("OneCycleLR", {"max_lr": 0.3})
    whole = rates(component)
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    plan = Schedule(component, optimizer, EPOCHS, BATCHES, Direction.MINIMIZE)
    for _ in range(10):
        optimizer.step()
        plan.after_batch()
    fresh = SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    restored = Schedule(component, fresh, EPOCHS, BATCHES, Direction.MINIMIZE)

    restored.load_state_dict(plan.state_dict())
    fresh.load_state_dict(optimizer.state_dict())
    restored.after_batch()

    assert fresh.param_groups[0]["lr"] == whole[11]
    assert torch.is_tensor(fresh.param_groups[0]["lr"]) is False
