from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tuner.engines.fused.optimizer_rules import RULES, numbers_of

STEPS = 50

SETTINGS: dict[type[torch.optim.Optimizer], list[list[dict[str, Any]]]] = {
    torch.optim.SGD: [
        [{"lr": 0.1}, {"lr": 0.01, "weight_decay": 0.1}],
        [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.05}, {"lr": 0.05, "momentum": 0.5, "dampening": 0.3}],
        [{"lr": 0.1, "dampening": 0.3}, {"lr": 0.1, "momentum": 0.9}],
        [{"lr": 0.1, "momentum": 0.9, "nesterov": True}, {"lr": 0.2, "momentum": 0.5, "nesterov": True}],
        [{"lr": 0.1, "maximize": True}, {"lr": 0.2, "maximize": True, "weight_decay": 0.1}],
    ],
    torch.optim.Adam: [
        [{"lr": 1e-3}, {"lr": 1e-2, "betas": (0.8, 0.99), "eps": 1e-6}, {"lr": 1e-2, "weight_decay": 0.1}],
        [{"lr": 1e-3, "amsgrad": True}, {"lr": 1e-2, "amsgrad": True}],
        [{"lr": 1e-3, "maximize": True}, {"lr": 1e-2, "maximize": True}],
    ],
    torch.optim.AdamW: [
        [{"lr": 1e-3}, {"lr": 1e-2, "weight_decay": 0.3}, {"lr": 1e-2, "betas": (0.5, 0.9), "weight_decay": 0.0}],
        [{"lr": 1e-3, "amsgrad": True}, {"lr": 1e-2, "amsgrad": True, "maximize": False}],
    ],
    torch.optim.RMSprop: [
        [{"lr": 1e-3}, {"lr": 1e-2, "alpha": 0.5, "eps": 1e-4}, {"lr": 1e-2, "weight_decay": 0.1}],
        [{"lr": 1e-3, "momentum": 0.9}, {"lr": 1e-2}],
        [{"lr": 1e-3, "centered": True}, {"lr": 1e-2, "centered": True, "momentum": 0.5}],
        [{"lr": 1e-3, "maximize": True}],
    ],
}
CASES = [(kind, settings) for kind, several in SETTINGS.items() for settings in several]


@pytest.mark.parametrize(("kind", "settings"), CASES, ids=str)
def test_many_optimizers_step_as_each_does_alone(
    kind: type[torch.optim.Optimizer], settings: list[dict[str, Any]]
) -> None:
    rule, lanes, width = RULES[kind], len(settings), 7
    start = torch.randn(lanes, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = torch.randn(STEPS, lanes, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    alone = [nn.Parameter(row.clone()) for row in start]
    optimizers = [kind([parameter], **each) for parameter, each in zip(alone, settings, strict=True)]
    groups = [optimizer.param_groups[0] for optimizer in optimizers]
    kept = {name for group in groups for name in rule.keeps(group)}
    values, state = start.clone(), {name: torch.zeros_like(start) for name in kept}

    for step, given in enumerate(gradients, start=1):
        for parameter, optimizer, gradient in zip(alone, optimizers, given, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
        numbers = {
            **numbers_of(rule, groups, torch.device("cpu")),
            "step": torch.full((lanes, 1), float(step)).double(),
        }
        rule.step(values, given.clone(), state, numbers, groups[0])

    torch.testing.assert_close(values, torch.stack([parameter.detach() for parameter in alone]), rtol=0, atol=1e-6)
    for lane, optimizer in enumerate(optimizers):
        for name in rule.keeps(groups[lane]):
            torch.testing.assert_close(state[name][lane], optimizer.state[alone[lane]][name], rtol=0, atol=1e-6)
