"""What torch keeps to itself does what is asked of it: a release that moves it fails here by name."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tuner import torch_internals


def test_a_function_under_vmap_sees_the_lanes() -> None:
    seen: list[tuple[int, ...]] = []

    def double(row: torch.Tensor) -> torch.Tensor:
        level = torch_internals.level_of(row)
        assert level == torch_internals.vmap_level()
        assert torch_internals.is_in_lanes(row)
        lanes = torch_internals.remove_batch_dim(row, level, 3, 0)
        seen.append(tuple(lanes.shape))
        doubled: torch.Tensor = torch_internals.add_batch_dim(lanes * 2, 0, level)
        return doubled

    rows = torch.arange(6.0).reshape(3, 2)

    assert torch.vmap(double)(rows).tolist() == (rows * 2).tolist()
    assert seen == [(3, 2)]
    assert torch_internals.vmap_level() is None


def test_tracing_and_dispatch_modes_are_seen() -> None:
    class Passing(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
        # torch calls it with anything
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            return func(*args, **(kwargs or {}))

    traced: list[bool] = []

    def note(x: torch.Tensor) -> torch.Tensor:
        traced.append(bool(torch_internals.tracing_state()))
        return x + 1

    torch.jit.trace(note, torch.ones(2), check_trace=False)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    with Passing():  # type: ignore[no-untyped-call]  # torch leaves it untyped
        inside = torch_internals.dispatch_modes()

    assert traced == [True]
    assert not torch_internals.tracing_state()
    assert (inside, torch_internals.dispatch_modes()) == (1, 0)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_steps_over_all_parameters_are_those_of_the_optimizer(name: str) -> None:
    ours, theirs = torch.ones(3), torch.ones(3, requires_grad=True)
    gradient = torch.tensor([0.5, -1.0, 2.0])
    theirs.grad = gradient.clone()
    getattr(torch.optim, name)([theirs], lr=0.1, weight_decay=0.01).step()

    if name == "SGD":
        torch_internals.sgd_step(
            [ours],
            [gradient],
            [],
            weight_decay=0.01,
            momentum=0.0,
            lr=0.1,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
    else:
        step = torch.tensor(0.0)
        torch_internals.add_to_each([step], 1)
        kernel = torch_internals.adam_step if name == "Adam" else torch_internals.adamw_step
        kernel(
            [ours],
            [gradient],
            [torch.zeros(3)],
            [torch.zeros(3)],
            [],
            [step],
            amsgrad=False,
            lr=0.1,
            weight_decay=0.01,
            eps=1e-8,
            maximize=False,
            beta1=0.9,
            beta2=0.999,
        )

    assert torch.allclose(ours, theirs.detach(), atol=1e-7)


def test_a_modules_own_parameters_and_buffers_are_found_and_can_be_replaced() -> None:
    norm = nn.BatchNorm1d(2)
    norm.register_buffer("scratch", torch.zeros(1), persistent=False)

    torch_internals.parameters_in(norm)["weight"] = nn.Parameter(torch.full((2,), 3.0))
    torch_internals.buffers_in(norm)["running_mean"] = torch.full((2,), 5.0)

    assert norm.weight.tolist() == [3, 3]
    assert norm.running_mean is not None
    assert norm.running_mean.tolist() == [5, 5]
    assert torch_internals.volatile_buffers(norm) == {"scratch"}
    assert vars(nn.Sequential(norm))[torch_internals.LAYERS] == {"0": norm}
    assert vars(norm)[torch_internals.PARAMETERS].keys() == {"weight", "bias"}
    assert vars(norm)[torch_internals.BUFFERS].keys() >= {"running_mean", "running_var", "scratch"}


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_of_forward_passes_are_seen(register: str) -> None:
    layer = nn.Linear(2, 2)
    assert not torch_internals.has_forward_hooks(layer)

    getattr(layer, register)(print)

    assert torch_internals.has_forward_hooks(layer)


@pytest.mark.parametrize("register", ["register_full_backward_hook", "register_full_backward_pre_hook"])
def test_hooks_on_gradients_of_a_layer_are_seen(register: str) -> None:
    layer = nn.Linear(2, 2)
    assert not torch_internals.has_gradient_hooks(layer)

    getattr(layer, register)(print)

    assert torch_internals.has_gradient_hooks(layer)


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_hooks_on_gradients_of_a_parameter_are_seen(register: str) -> None:
    parameter = nn.Parameter(torch.zeros(2))
    assert not torch_internals.has_gradient_hooks(parameter)

    getattr(parameter, register)(print)

    assert torch_internals.has_gradient_hooks(parameter)


def test_hooks_for_all_modules_are_seen() -> None:
    before = sum(map(len, filter(None, torch_internals.hooks_for_all_modules().values())))

    with nn.modules.module.register_module_forward_hook(print):
        inside = sum(map(len, filter(None, torch_internals.hooks_for_all_modules().values())))

    assert inside == before + 1


def test_a_schedule_steps_without_a_warning_where_the_optimizer_counts_as_stepped() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    torch_internals.count_as_stepped(optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule.step()

    assert schedule.get_last_lr() == [0.05]


def test_losses_and_batch_norms_have_one_base_each() -> None:
    assert issubclass(nn.CrossEntropyLoss, torch_internals.LossBase)
    assert issubclass(nn.SyncBatchNorm, torch_internals.BatchNormBase)
    assert not issubclass(nn.LayerNorm, torch_internals.BatchNormBase)
