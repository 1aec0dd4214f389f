from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner.config import Component
from tuner.training import optimizers as optim
from tuner.training.optimizer_step import stepping_of

OPTIMIZERS: list[tuple[str, Mapping[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "dampening": 0.2, "maximize": True}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "betas": [0.8, 0.9]}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "foreach": True}),
    ("Adagrad", {"lr": 0.1}),
]
OFF = torch.amp.GradScaler("cpu", enabled=False)


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))


def train(net: nn.Module, advance: Callable[[], object], steps: int, start: int = 0) -> None:
    for step in range(start, start + steps):
        torch.manual_seed(step)
        for parameter in net.parameters():
            parameter.grad = None
        # torch leaves it untyped
        functional.cross_entropy(net(torch.randn(16, 5)), torch.randint(0, 3, (16,))).backward()  # type: ignore[no-untyped-call]
        advance()


def flat(net: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in net.parameters()])


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS)
def test_it_steps_as_torch_does_and_keeps_the_same_state(name: str, arguments: Mapping[str, Any]) -> None:
    ours, theirs = model(), model()
    optimizer = optim.build(Component(name, arguments), ours.parameters())
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    reference = getattr(torch.optim, name)(theirs.parameters(), **plain)

    train(ours, stepping_of(optimizer, OFF), 50)
    train(theirs, reference.step, 50)

    assert torch.allclose(flat(ours), flat(theirs), rtol=0, atol=1e-6)
    kept, expected = optimizer.state_dict()["state"], reference.state_dict()["state"]
    assert kept.keys() == expected.keys()
    for parameter, state in expected.items():
        assert kept[parameter].keys() == state.keys()
        for key, value in state.items():
            assert torch.allclose(kept[parameter][key], value, rtol=1e-4, atol=1e-7), key


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("SGD", {}, 0),
        ("SGD", {"momentum": 0.9}, 1),
        ("Adam", {}, 1),
        ("RMSprop", {}, 1),
        ("RMSprop", {"momentum": 0.9}, 5),
        ("RMSprop", {"centered": True}, 5),
        ("RMSprop", {"foreach": False}, 5),
        ("RMSprop", {"alpha": 1.0}, 5),
        ("SGD", {"foreach": True}, 5),
        ("Adam", {"fused": False}, 5),
        ("Adagrad", {}, 5),
    ],
)
def test_torch_makes_the_first_step_alone(
    name: str, arguments: Mapping[str, Any], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the comparison with torch would be one of torch with itself."""
    net = model()
    optimizer = optim.build(Component(name, {"lr": 0.1, **arguments}), net.parameters())
    by_torch: list[int] = []
    whole = optimizer.step

    def step() -> None:
        by_torch.append(1)
        whole()

    monkeypatch.setattr(optimizer, "step", step)

    train(net, stepping_of(optimizer, OFF), 5)

    assert len(by_torch) == expected


def test_momentum_may_set_in_later() -> None:
    ours, theirs = model(), model()
    optimizer = optim.build(Component("SGD", {"lr": 0.1}), ours.parameters())
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1)
    advance = stepping_of(optimizer, OFF)

    for momentum, start in ((0.0, 0), (0.9, 3)):
        optimizer.param_groups[0]["momentum"] = reference.param_groups[0]["momentum"] = momentum
        train(ours, advance, 3, start)
        train(theirs, reference.step, 3, start)

    assert torch.allclose(flat(ours), flat(theirs), rtol=0, atol=1e-6)


def test_a_sparse_gradient_is_left_to_torch_which_refuses_it() -> None:
    net = nn.Embedding(5, 3, sparse=True)
    advance = stepping_of(optim.build(Component("SGD", {"lr": 0.1}), net.parameters()), OFF)
    net(torch.tensor([1, 2])).sum().backward()

    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        advance()


@pytest.mark.filterwarnings("error")
def test_a_schedule_does_not_miss_the_steps() -> None:
    net = model()
    optimizer = optim.build(Component("SGD", {"lr": 0.1}), net.parameters())
    advance = stepping_of(optimizer, OFF)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)

    train(net, advance, 1)
    schedule.step()

    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_parameters_of_any_strides_step_as_they_lie(name: str) -> None:
    arguments = {"lr": 0.01, **({"momentum": 0.9} if name == "SGD" else {})}
    ours, theirs = (nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    advance = stepping_of(optim.build(Component(name, arguments), ours.parameters()), OFF)
    reference = getattr(torch.optim, name)(theirs.parameters(), **arguments)

    for net, step in ((ours, advance), (theirs, reference.step)):
        for seed in range(5):
            torch.manual_seed(seed)
            net.zero_grad()
            net(torch.randn(2, 3, 8, 8)).square().sum().backward()
            step()

    assert torch.allclose(flat(ours), flat(theirs), rtol=0, atol=1e-5)


def test_a_scaler_that_is_on_has_a_say_in_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    net, scaler = model(), torch.amp.GradScaler("cpu", enabled=True)
    optimizer = optim.build(Component("SGD", {"lr": 0.1}), net.parameters())
    asked: list[object] = []
    monkeypatch.setattr(scaler, "step", asked.append)
    monkeypatch.setattr(scaler, "update", lambda: None)

    train(net, stepping_of(optimizer, scaler), 2)

    assert asked == [optimizer, optimizer]


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS)
def test_a_cut_changes_no_bit(name: str, arguments: Mapping[str, Any]) -> None:
    whole, cut = model(), model()
    optimizers = [optim.build(Component(name, arguments), net.parameters()) for net in (whole, cut)]
    train(whole, stepping_of(optimizers[0], OFF), 9)
    train(cut, stepping_of(optimizers[1], OFF), 4)

    again = model()
    again.load_state_dict(cut.state_dict())
    resumed = optim.build(Component(name, arguments), again.parameters())
    resumed.load_state_dict(optimizers[1].state_dict())
    train(again, stepping_of(resumed, OFF), 5, start=4)

    assert torch.equal(flat(again), flat(whole))


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_it_goes_on_from_a_state_and_follows_what_a_schedule_sets(name: str) -> None:
    arguments = {"lr": 0.01, **({"momentum": 0.9} if name == "SGD" else {})}
    ours, theirs = model(), model()
    optimizer = optim.build(Component(name, arguments), ours.parameters())
    reference = getattr(torch.optim, name)(theirs.parameters(), **arguments)
    train(ours, stepping_of(optimizer, OFF), 5)
    train(theirs, reference.step, 5)

    again = copy.deepcopy(ours)
    resumed = optim.build(Component(name, arguments), again.parameters())
    resumed.load_state_dict(optimizer.state_dict())
    advance = stepping_of(resumed, OFF)
    for rate, start in ((0.003, 5), (0.001, 10)):
        resumed.param_groups[0]["lr"] = reference.param_groups[0]["lr"] = rate
        train(again, advance, 5, start)
        train(theirs, reference.step, 5, start)

    assert torch.allclose(flat(again), flat(theirs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_a_parameter_without_a_gradient_stays_as_it_is(name: str) -> None:
    net = model()
    optimizer = optim.build(Component(name, {"lr": 0.1}), net.parameters())
    advance = stepping_of(optimizer, OFF)
    train(net, advance, 2)
    before = flat(net[0])

    for step in range(3):
        torch.manual_seed(step)
        net.zero_grad()
        net[2](torch.randn(4, 8)).sum().backward()
        advance()

    assert torch.equal(flat(net[0]), before)
