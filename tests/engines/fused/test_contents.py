"""Two models are alike when what they hold is, whatever its addresses."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.support.lanes import job_of, resolved
from tuner.config import Config
from tuner.engines.fused.group_signature import Signature, signature_of
from tuner.training import Replicates, Run


class Holding(nn.Module):
    def __init__(self, held: object = None) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.held = held


class Scale:
    """An object whose `repr` is an address."""

    def __init__(self, by: float) -> None:
        self.by = by


class Powered(nn.Module):
    """As GeM pooling has it: `p` is no rate of a dropout."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.layer, self.p = nn.Linear(2, 2), p


def patched(by: float) -> nn.Module:
    model = Holding()
    model.forward = lambda x: model.layer(x) * by
    return model


def hooked(by: float) -> nn.Module:
    model = Holding()
    model.register_forward_hook(lambda layer, inputs, outputs: outputs * by)
    return model


def tied(both: bool) -> nn.Module:
    first, second, third = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)
    (second if both else third).weight = first.weight
    return nn.Sequential(first, second, third)


@functools.cache
def built() -> tuple[Run, Config]:
    config = resolved({})[1]
    return Run.build(job_of(), config, 0), config


def signed(model: nn.Module) -> Signature:
    run, config = built()
    return signature_of(Replicates((replace(run, model=model),)), config)


UNLIKE: dict[str, Callable[[float], nn.Module]] = {
    "an object": lambda by: Holding(Scale(by)),
    "a list of objects": lambda by: Holding([Scale(1), {"scale": Scale(by)}]),
    "a tensor": lambda by: Holding(torch.tensor([1.0, by])),
    "a layer in a list": lambda by: Holding([nn.init.constant_(nn.Linear(1, 1).weight, by)]),
    "an own p": Powered,
    "a closure": patched,
    "a hook": hooked,
    "a function on one line": lambda by: Holding((lambda x: x) if by == 1 else (lambda x: -x)),
    "a partial": lambda by: Holding(functools.partial(functional.leaky_relu, negative_slope=by)),
    "a function of torch": lambda by: Holding(torch.relu if by == 1 else torch.tanh),
    "what is tied": lambda by: tied(by == 1),
    "in place": lambda by: nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=by == 1)),
    "frozen": lambda by: nn.Linear(2, 2).requires_grad_(by == 1),
    "a width": lambda by: nn.Linear(2, int(by)),
    "in evaluation": lambda by: nn.Linear(2, 2).train(by == 1),
    "a generator": lambda by: Holding(torch.Generator().manual_seed(int(by))),
}


@pytest.mark.parametrize("make", UNLIKE.values(), ids=UNLIKE)
def test_models_that_hold_something_else_are_unlike(make: Callable[[float], nn.Module]) -> None:
    found = []
    for by in (1, 2, 1, 2):
        found.append(signed(make(by)).facts)
        gc.collect()  # an address that is free is given again

    assert found[0] == found[2]
    assert found[1] == found[3]
    assert found[0] != found[1]


def test_the_rate_of_a_dropout_is_each_lanes_own() -> None:
    assert signed(nn.Sequential(nn.Dropout(0.1))) == signed(nn.Sequential(nn.Dropout(0.2)))


def test_weights_may_differ() -> None:
    def made(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

    first, second = made(0), made(1)

    assert not torch.equal(first[0].weight, second[0].weight)  # type: ignore[index]  # a Sequential
    assert signed(first) == signed(second)


def test_positions_that_are_no_buffer_are_compared_by_their_numbers() -> None:
    def positions() -> Tensor:
        return torch.arange(1000.0).sin()

    assert signed(Holding(positions())) == signed(Holding(positions()))
