"""Outputs of models and the truth about them, and how a goal scores them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tests.conftest import objective
from tuner.data.preprocessing.standardize import Scale
from tuner.goal import Direction, Task, goal_of
from tuner.training.from_torchmetrics import direction_of
from tuner.training.link import Link
from tuner.training.metrics import Scores

CHANCE = torch.Generator().manual_seed(0)
OUTPUTS = torch.randn(200, 4, generator=CHANCE)
CLASSES = torch.randint(0, 4, (200,), generator=CHANCE)
VALUES = torch.randn(200, 1, generator=CHANCE).double()
PAIR = torch.randn(200, 2, generator=CHANCE)
YES = (PAIR[:, 1] - PAIR[:, 0] + torch.randn(200, generator=CHANCE) > 1).long()  # fewer than half
AS_IS = Scale(torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64))


def scoring(
    task: Task,
    outputs: int,
    metric: str | None = None,
    direction: Direction | None = None,
    positive: str | None = None,
    classes: tuple[str, ...] | None = None,
) -> Scores:
    wanted = objective([metric] if metric else [], [direction] if direction else [])
    goal = goal_of(replace(wanted, positive=positive), task, lambda name: direction_of(name, task))
    return Scores(task, classes or tuple(map(str, range(outputs))), goal)


def scores(
    task: Task,
    outputs: Tensor,
    targets: Tensor,
    metric: str | None = None,
    positive: str | None = None,
    link: Link = Link.SOFTMAX,
    scale: Scale = AS_IS,
) -> dict[str, float]:
    found = scoring(task, outputs.shape[1], metric, positive=positive)
    return found(outputs, targets, scale if task is Task.REGRESSION else None, link)
